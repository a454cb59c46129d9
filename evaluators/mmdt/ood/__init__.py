"""Out-of-distribution robustness of MMDT: prompts in unusual English, pictures in other styles or spoilt."""
