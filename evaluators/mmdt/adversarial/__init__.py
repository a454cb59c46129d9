"""Adversarial robustness of MMDT: pictures and prompts that were changed a little to flip an object, an attribute or a place."""
