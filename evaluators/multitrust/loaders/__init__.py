"""The rows of MultiTrust's release as samples: what is asked, with which picture, what is right, and what else the judging needs."""
