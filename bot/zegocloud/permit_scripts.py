"""What Redis does about permits, as Lua scripts: each runs as one step, by Redis's own clock.

Five keys hold a deployment's budget. `permits` has every permit that is out, by the moment it comes back
(Unix milliseconds): with a call that is a lease, which ends by itself if the holder dies; after the answer it
is the end of the window. `replicas` has every replica by when it was last heard of. `people` and `background`
have those where somebody waits, until when that is believed. `state` has the rest: since when this Redis
knows of the budget, how many replicas are to be reckoned with after an outage, and whose turn it is.

All but the last two begin with the same arguments, which `SharedPermits` makes.

How much may be out is less than the budget while a replica is missing: one that has not been heard of for a
moment may be spending its share by itself. After a few more seconds it counts as gone.
"""

from __future__ import annotations

from bot.redis_link import Script

_BEGINNING = """
local permits, replicas, people, background, state = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local me, budget = ARGV[1], tonumber(ARGV[2])
local hold, lease, quiet = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local fresh, forgotten, late = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
-- A Redis that stood still finds what was sent meanwhile, by those who have long gone on without it.
if math.abs(now - ARGV[9]) > late then return {-1} end

local function at_most(key, latest) -- where the clock was set back, nothing may stay for longer than meant
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', key, latest, '+inf')) do
    redis.call('ZADD', key, latest, member)
  end
end

redis.call('ZADD', replicas, now, me)
at_most(replicas, now)
redis.call('ZREMRANGEBYSCORE', replicas, '-inf', now - forgotten)
at_most(permits, now + lease)
redis.call('ZREMRANGEBYSCORE', permits, '-inf', now)
-- A Redis that knows nothing may have forgotten: what was sent before has to leave the window first.
redis.call('HSETNX', state, 'born', now)
local opens = math.min(tonumber(redis.call('HGET', state, 'born')), now) + quiet
for _, key in ipairs({permits, replicas, state}) do redis.call('PEXPIRE', key, 86400000) end

local known = redis.call('ZCARD', replicas)
local expected = tonumber(redis.call('HGET', state, 'expected') or 0)
if now > tonumber(redis.call('HGET', state, 'expected_until') or 0) then expected = 0 end
local reckoned = math.max(known, expected)
local share = math.max(1, math.floor(budget / reckoned))
local missing = reckoned - redis.call('ZCOUNT', replicas, now - fresh, '+inf')
local limit = math.max(share, budget - missing * share)
"""

JOIN = Script(
    _BEGINNING
    + """
-- ARGV: how many replicas I knew of when Redis went away (0: none), then my permits: name, milliseconds left.
for _, name in ipairs(redis.call('ZRANGE', permits, 0, -1)) do
  if string.sub(name, 1, #me) == me then redis.call('ZREM', permits, name) end
end
for i = 11, #ARGV, 2 do redis.call('ZADD', permits, now + ARGV[i + 1], ARGV[i]) end
if tonumber(ARGV[10]) > 0 then
  redis.call('HSET', state, 'expected', math.max(expected, ARGV[10]), 'expected_until', now + forgotten)
end
return {0}
"""
)
"""A replica comes, or comes back with what it holds."""

TAKE = Script(
    _BEGINNING
    + """
-- ARGV: the number of my next permit, how many people and background calls wait here, how often a turn is for
-- background work while people wait.
local number, stride = tonumber(ARGV[10]), tonumber(ARGV[13])
local wanted = {p = tonumber(ARGV[11]), b = tonumber(ARGV[12])}
local marks = {p = people, b = background}
local mine, others, got = {p = 0, b = 0}, {}, {p = 0, b = 0}
local out = redis.call('ZRANGE', permits, 0, -1)
for _, name in ipairs(out) do
  if string.sub(name, 1, #me) == me then
    local lane = string.sub(name, #me + 2, #me + 2)
    mine[lane] = (mine[lane] or 0) + 1
  end
end
for lane, key in pairs(marks) do
  redis.call('ZREM', key, me)
  redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
  others[lane] = redis.call('ZCARD', key)
end
local free = limit - #out
if now < opens then free = 0 end

local function take(lane, count)
  for _ = 1, count do
    redis.call('ZADD', permits, now + lease, me .. ':' .. lane .. string.format('%d', number + got[lane]))
    got[lane] = got[lane] + 1
  end
  free = free - count
end

local function fair(lane) -- while others wait too, nobody holds more than an equal part
  if others[lane] == 0 then return wanted[lane] end
  return math.min(wanted[lane], math.ceil(limit / (others[lane] + 1)) - mine[lane])
end

-- Background calls leave one by one, spread over the window.
local paced = tonumber(redis.call('HGET', state, 'background_at') or 0)
if paced > now + hold then paced = 0 end
local passed_over = tonumber(redis.call('HGET', state, 'passed_over') or 0)
local background_waits = wanted.b + others.b > 0
local people_wait = wanted.p + others.p > 0
local due = background_waits and people_wait and passed_over >= stride - 1
if due and wanted.b > 0 and free > 0 then
  take('b', 1)
  due, passed_over = false, 0
end
local count = math.min(fair('p'), free - (due and 1 or 0))
if background_waits and not due then count = math.min(count, stride - 1 - passed_over) end
if count > 0 then
  take('p', count)
  passed_over = background_waits and passed_over + count or 0
end
local nobody_waits = got.p == wanted.p and others.p == 0
if nobody_waits and wanted.b > got.b and now >= paced and fair('b') > 0 and free > 0 then
  take('b', 1)
  passed_over = 0
end
if got.b > 0 then
  paced = now + hold / budget
  redis.call('HSET', state, 'background_at', paced)
end
redis.call('HSET', state, 'passed_over', passed_over)

-- When may there be more? No permit that is with a call comes back in less than a window.
local wait = hold
local first = redis.call('ZRANGE', permits, 0, 0, 'WITHSCORES')
if first[2] then wait = math.min(wait, first[2] - now) end
if opens > now then wait = opens - now end
if free > 0 then
  wait = math.min(wait, hold / 50)
  if nobody_waits then wait = math.max(0, paced - now) end
end
for lane, key in pairs(marks) do
  if got[lane] < wanted[lane] then
    redis.call('ZADD', key, now + fresh, me)
    redis.call('PEXPIRE', key, 60000)
  end
end
return {got.p, got.b, math.ceil(wait), reckoned, math.floor(now)}
"""
)
"""Take permits for those who wait. Returns how many for people, how many for background work, after how many
milliseconds there may be more, how many replicas there are, and Redis's time; -1 for what came late."""

GIVE_BACK = Script("""
local time = redis.call('TIME')
return redis.call('ZADD', KEYS[1], time[1] * 1000 + time[2] / 1000 + ARGV[1], ARGV[2])
""")
"""A call has ended: its permit comes back when the window is over."""

LEAVE = Script("""
for i = 2, 4 do redis.call('ZREM', KEYS[i], ARGV[1]) end
return 0
""")
"""A replica goes, with nothing under way."""
