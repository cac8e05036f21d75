local json = require("cjson")
local file = assert(io.open("data.json"))
local text = file:read("a")
local count = 0
for _ = 1, 5 do count = count + #json.decode(text) end
print(count)
