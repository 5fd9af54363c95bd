"""Cases that mean harm, and the harness that sees what comes of them."""
