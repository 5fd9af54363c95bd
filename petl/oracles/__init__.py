"""Independent libraries as second oracles: their configurations and tensors read into our grid, and compared.

adapterhub.py   AdapterHub's `adapters`: configuration -> method, tensor names -> ours
huggingface.py  likewise for `peft`
differences.py  where a library differs from the paper or from the authors' code, a sentence each
proof.py        one recorded case against our model

Neither library is a dependency: `scripts/oracles/record.py` runs in an environment of its own (`make oracles`).
"""
