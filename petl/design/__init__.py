"""The paper. Every parameter-efficient method is a list of deltas, and a delta is one point of a grid:

    h  <-  compose(h, dh),     dh = f(x)

with f(x) = phi(x W_down) W_up for every method (Table 1). Read in this order:

    forms.py     phi, the nonlinearity: ReLU is an adapter, the identity is LoRA, softmax is prefix tuning
    compose.py   how dh meets h: add, scale, or the gate of Eq. 7
    delta.py     f with its own weights W_down, W_up: adapters, LoRA, and everything between
    heads.py     f inside attention, where W_down = W_q P_k^T and W_up = P_v: prefix tuning and multi-head adapters
    prompt.py    vectors put before the input
    pack.py      the same with a leading dimension, for runs that share a pass of the backbone
    budget.py    from a share of the backbone to a bottleneck size, and back

Nothing here knows transformers, tasks or files; `petl.backbone` finds the places in a real model.
"""
