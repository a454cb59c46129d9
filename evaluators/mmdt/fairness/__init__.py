"""MMDT's fairness perspective: who is drawn, chosen or recognised, text to image and image to text."""
