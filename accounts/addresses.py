"""Network addresses, as far as they say who somebody is."""

import ipaddress

# One household or one machine is given at least a /64 (RFC 6177), and picks addresses in it freely.
IPV6_PREFIX = 64


def network_of(address: str) -> str:
    """Return what to count requests by: an IPv4 address itself, the /64 of an IPv6 address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return address
    if parsed.ipv4_mapped:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed.packed, IPV6_PREFIX), strict=False))
