import re
pattern = re.compile(r"(\w+)@(\w+)\.com")
print(sum(1 for line in open("log.txt", encoding="utf-8") if pattern.search(line)))
