import json
data = json.loads(open("data.json", encoding="utf-8").read())
print(sum(len(json.dumps(data, ensure_ascii=False, separators=(",", ":"))) for _ in range(10)))
