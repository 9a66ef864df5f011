"""Files by address: on this machine's disks, and on object storage."""
