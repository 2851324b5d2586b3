"""What a person runs from a terminal (`make …`): set-up, doctor, demo, docs. The server knows nothing of them."""
