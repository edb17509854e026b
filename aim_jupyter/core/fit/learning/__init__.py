"""What earlier starts of this site took, and how it narrows a band."""
