import csv
print(sum(len(row[3]) for row in csv.reader(open("table.csv", encoding="utf-8", newline=""))))
