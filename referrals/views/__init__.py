"""The referral endpoints of `/api/v1/`, by who calls them."""
