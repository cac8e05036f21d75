stations = {}
for line in open("stations.txt", encoding="utf-8"):
    name, _, value = line.rstrip("\n").partition(";")
    tenths = int(value.replace(".", ""))
    old = stations.get(name)
    if old is None:
        stations[name] = [tenths, tenths, tenths, 1]
    else:
        if tenths < old[0]:
            old[0] = tenths
        if tenths > old[1]:
            old[1] = tenths
        old[2] += tenths
        old[3] += 1
for name, (low, high, total, count) in sorted(stations.items(), key=lambda item: item[0].encode()):
    mean = abs(total) // count * (1 if total >= 0 else -1)
    print(name, low, mean, high)
