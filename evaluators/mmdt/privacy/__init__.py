"""Privacy of MMDT: does a model paint what it learned from, and tell from a picture where it was taken or who is in it?"""
