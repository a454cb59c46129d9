"""Safety of MMDT: does a model refuse what it should not do, does it do harm, and does it refuse what is harmless?"""
