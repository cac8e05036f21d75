-- cjson writes other texts for the same numbers, so the length is not compared.
local json = require("cjson")
local file = assert(io.open("data.json"))
local data = json.decode(file:read("a"))
local count = 0
for _ = 1, 10 do count = count + #json.encode(data) end
assert(count > 0)
