"""Everything that knows no front end: records, domains, planning and the one `api` above them."""
