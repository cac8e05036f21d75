import json
text = open("data.json", encoding="utf-8").read()
print(sum(len(json.loads(text)) for _ in range(5)))
