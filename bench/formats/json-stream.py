import json
print(sum(entry["at"]["x"] for entry in json.load(open("data.json", encoding="utf-8"))))
