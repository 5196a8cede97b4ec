"""Training: configuration, loading, augmentation, losses, the loop and export. Needs the extra ``train``."""
