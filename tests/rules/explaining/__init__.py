"""Why a rule answers, or does not."""
