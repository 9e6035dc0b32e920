-- KEYS: entries; ARGV: each entry's 'L|token'.
-- Answers the number of entries, then for those that are another's: number, 1, ...
local call, other = redis.call, {#KEYS}
local values = call('MGET', unpack(KEYS))
for i = 1, #KEYS do
  if values[i] == ARGV[i] then
    call('DEL', KEYS[i])
  elseif values[i] and call('GET', KEYS[i]) then -- an earlier claim of this batch may have removed it
    other[#other + 1], other[#other + 2] = i, 1
  end
end
return other
