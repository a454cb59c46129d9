"""How the bundled models are made: run from a checkout, never imported by the packages."""
