"""What staff set about the shop: its name, sentences, contact. Settings of the machine stand in ``config.py``."""
