"""What fixtures/log-analyser prints for access.log, with tables of 5 lines."""

statuses, paths, addresses, hours, errors = {}, {}, {}, {}, {}
lines = malformed = size = 0


def count(counts, key):
    counts[key] = counts.get(key, 0) + 1


for line in open("access.log", encoding="utf-8"):
    lines += 1
    parts = line.rstrip("\n").split("\"")
    if len(parts) < 3:
        malformed += 1
        continue
    before, request, answer = parts[0], parts[1].split(" "), parts[2].split(" ")
    at = before.find("[")
    if at < 0 or len(request) < 2 or len(answer) < 3 or len(before) <= at + 14:
        malformed += 1
        continue
    status, path = answer[1], request[1].partition("?")[0]
    size += int(answer[2]) if answer[2].isdigit() else 0
    count(statuses, status)
    count(paths, path)
    count(addresses, before.partition(" ")[0])
    count(hours, before[at + 13:at + 15])
    if status.startswith("5"):
        count(errors, path)


def table(title, rows):
    if rows:
        print(f"\n{title}")
        for key, number in rows:
            print(f"{number:>10}  {key}")


def most(counts):
    return sorted(counts.items(), key=lambda entry: (-entry[1], entry[0]))[:5]


print(f"{lines} lines, {malformed} malformed, {size} bytes")
table("By status", sorted(statuses.items()))
table("Paths", most(paths))
table("Addresses", most(addresses))
table("Errors", most(errors))
table("By hour", sorted(hours.items()))
