import re
print(len(re.findall(r"\d{4}-\d\d-\d\d", open("log.txt", encoding="utf-8").read())))
