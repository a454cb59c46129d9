"""Hallucination of MMDT: does a model paint what the prompt says, and tell what the picture shows?"""
