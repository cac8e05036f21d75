import hashlib
print(hashlib.file_digest(open("log.txt", "rb"), "sha256").hexdigest())
