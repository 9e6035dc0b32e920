-- KEYS: the group's watermarks; ARGV: their time to live in ms, then partition, offset, ...
-- Offsets are compared as decimal digits: Lua's numbers are exact to 2^53 only.
local call, key = redis.call, KEYS[1]
for i = 2, #ARGV, 2 do
  local old, new = call('HGET', key, ARGV[i]), ARGV[i + 1]
  if not old or #new > #old or (#new == #old and new > old) then
    call('HSET', key, ARGV[i], new)
  end
end
call('PEXPIRE', key, ARGV[1])
return {1}
