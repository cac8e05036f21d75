import json
print(sum(json.loads(line)["at"]["x"] for line in open("lines.json", encoding="utf-8")))
