import hashlib
print(hashlib.sha256(open("log.txt", "rb").read()).hexdigest())
