/** The functions of the script, each with the arguments that follow its letter. */
export const Op = {
  /** topic, frame. @returns the number of nodes that get the frame */
  publish: 'P',
  /** node, frame. @returns 1; -1 if the node does not exist */
  send: 'N',
  /** topic */
  subscribe: 'S',
  /** topic */
  unsubscribe: 'U',
  /** group, key, value */
  set: 'E',
  /** group, key */
  delete: 'D',
  /** group, key. @returns the node, a line break and the value */
  get: 'G',
  /** group. @returns keys and values in turn */
  list: 'L',
  /** group. @returns the number of its entries */
  count: 'H',
  /** key, text, milliseconds */
  keep: 'K',
  /** key. @returns the text */
  take: 'T',
  /** key, number of the last frame, whether the frame replaces all, life in milliseconds, frame. @returns the number; -1 if overtaken */
  append: 'A',
  /** key. @returns the entries of the log */
  read: 'R',
  /** node. @returns whether its inbox exists */
  inbox: 'I',
  /** number of the last frame that was read, and of the last one that is not needed any more. @returns whether the node was known, and the number of its last frame */
  beat: 'B',
  /** node. @returns the connection of the node, as it has named it; nothing if the node does not exist */
  connection: 'C',
  /** nothing */
  leave: 'X',
} as const;

/**
 * Runs a batch of functions at once, so that a frame reaches the inbox of each subscriber or none, whichever node dies meanwhile.
 *
 * Arguments: prefix, node, lease in milliseconds, most frames of an inbox, most bytes of one, and then the functions.
 *
 * | key | |
 * | --- | --- |
 * | `nodes` | sorted set: until when each node is taken to be alive |
 * | `n:` node | stream: its inbox; the entry `7-0` is its seventh frame |
 * | `c:` node | the number of its last frame |
 * | `w:` node | about how many bytes its inbox has: a part of it that is removed counts by its share of the frames |
 * | `i:` node | its connection: the id of a process of Redis, and the id of the connection there |
 * | `o:` node | set: its topics and entries, for the one who buries it |
 * | `t:` topic | set: the nodes that subscribe |
 * | `g:` group | hash: entries, each with its node |
 * | `k:` key | a kept text |
 * | `l:` key | stream: a log; the entry `7-0` is its seventh frame |
 */
export const script = `
local p, me, lease, most, bytes = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], tonumber(ARGV[5])
local i = 6
local function arg()
  i = i + 1
  return ARGV[i - 1]
end
local function trim(node, ...)
  local inbox = p .. 'n:' .. node
  local before = redis.call('XLEN', inbox)
  if before == 0 or redis.call('XTRIM', inbox, ...) == 0 then return end
  local all = tonumber(redis.call('GET', p .. 'w:' .. node) or '0')
  redis.call('SET', p .. 'w:' .. node, math.floor(all * redis.call('XLEN', inbox) / before))
end
-- The older half goes: the node may have read it.
local function shrink(node)
  trim(node, 'MAXLEN', math.floor(redis.call('XLEN', p .. 'n:' .. node) / 2))
end
local function put(node, topic, frame)
  local id = redis.call('INCR', p .. 'c:' .. node)
  redis.call('XADD', p .. 'n:' .. node, 'MAXLEN', '~', most, id .. '-0', topic, frame)
  if redis.call('INCRBY', p .. 'w:' .. node, #frame) > bytes then shrink(node) end
end
local function mark(group, key)
  return 'g' .. #group .. ':' .. group .. key
end
local function owner(entry)
  return entry and string.sub(entry, 1, string.find(entry, '\\n', 1, true) - 1)
end
local function remove(node, group, key)
  if owner(redis.call('HGET', p .. 'g:' .. group, key)) == node then
    redis.call('HDEL', p .. 'g:' .. group, key)
  end
end
local function forget(node)
  for _, own in ipairs(redis.call('SMEMBERS', p .. 'o:' .. node)) do
    if string.sub(own, 1, 1) == 't' then
      redis.call('SREM', p .. 't:' .. string.sub(own, 2), node)
    else
      local colon = string.find(own, ':', 1, true)
      local length = tonumber(string.sub(own, 2, colon - 1))
      remove(node, string.sub(own, colon + 1, colon + length), string.sub(own, colon + length + 1))
    end
  end
  redis.call('DEL', p .. 'o:' .. node, p .. 'n:' .. node, p .. 'c:' .. node, p .. 'i:' .. node, p .. 'w:' .. node)
  redis.call('ZREM', p .. 'nodes', node)
end
local run = {
  P = function()
    local topic, frame, count = arg(), arg(), 0
    for _, node in ipairs(redis.call('SMEMBERS', p .. 't:' .. topic)) do
      if node ~= me and redis.call('ZSCORE', p .. 'nodes', node) then
        put(node, 't' .. topic, frame)
        count = count + 1
      end
    end
    return count
  end,
  N = function()
    local node, frame = arg(), arg()
    if not redis.call('ZSCORE', p .. 'nodes', node) then return -1 end
    put(node, 'n', frame)
    return 1
  end,
  S = function()
    local topic = arg()
    redis.call('SADD', p .. 't:' .. topic, me)
    return redis.call('SADD', p .. 'o:' .. me, 't' .. topic)
  end,
  U = function()
    local topic = arg()
    redis.call('SREM', p .. 't:' .. topic, me)
    return redis.call('SREM', p .. 'o:' .. me, 't' .. topic)
  end,
  E = function()
    local group, key, value = arg(), arg(), arg()
    local before = owner(redis.call('HGET', p .. 'g:' .. group, key))
    if before and before ~= me then redis.call('SREM', p .. 'o:' .. before, mark(group, key)) end
    redis.call('HSET', p .. 'g:' .. group, key, me .. '\\n' .. value)
    return redis.call('SADD', p .. 'o:' .. me, mark(group, key))
  end,
  D = function()
    local group, key = arg(), arg()
    remove(me, group, key)
    return redis.call('SREM', p .. 'o:' .. me, mark(group, key))
  end,
  G = function()
    local group, key = arg(), arg()
    return redis.call('HGET', p .. 'g:' .. group, key)
  end,
  L = function() return redis.call('HGETALL', p .. 'g:' .. arg()) end,
  H = function() return redis.call('HLEN', p .. 'g:' .. arg()) end,
  K = function()
    local key, text, life = arg(), arg(), arg()
    redis.call('SET', p .. 'k:' .. key, text, 'PX', life)
    return 1
  end,
  T = function() return redis.call('GETDEL', p .. 'k:' .. arg()) end,
  A = function()
    local log, after, replaces, life, frame = p .. 'l:' .. arg(), tonumber(arg()), arg(), arg(), arg()
    local entry = redis.call('XREVRANGE', log, '+', '-', 'COUNT', 1)[1]
    local last = entry and tonumber(string.match(entry[1], '^%d+')) or 0
    -- The answer to the same call was lost.
    if entry and last == after + 1 and entry[2][2] == frame then return last end
    if frame == '' and not entry then return after + 1 end
    if last ~= after then return -1 end
    if frame == '' then
      redis.call('DEL', log)
    else
      redis.call('XADD', log, (after + 1) .. '-0', 'f', frame)
      if replaces == '1' then redis.call('XTRIM', log, 'MAXLEN', 1) end
      redis.call('PEXPIRE', log, life)
    end
    return after + 1
  end,
  R = function() return redis.call('XRANGE', p .. 'l:' .. arg(), '-', '+') end,
  I = function() return redis.call('ZSCORE', p .. 'nodes', arg()) and 1 or 0 end,
  B = function()
    local read, kept = tonumber(arg()), tonumber(arg())
    local time = redis.call('TIME')
    local now = time[1] * 1000 + math.floor(time[2] / 1000)
    local known = redis.call('ZSCORE', p .. 'nodes', me)
    redis.call('ZADD', p .. 'nodes', now + lease, me)
    for _, node in ipairs(redis.call('ZRANGEBYSCORE', p .. 'nodes', '-inf', '(' .. now)) do forget(node) end
    local last = tonumber(redis.call('GET', p .. 'c:' .. me) or '0')
    if known and last < read then redis.call('SET', p .. 'c:' .. me, read) end
    trim(me, 'MINID', (kept + 1) .. '-0')
    redis.call('PEXPIRE', p .. 'n:' .. me, 100 * lease)
    redis.call('PEXPIRE', p .. 'c:' .. me, 100 * lease)
    redis.call('PEXPIRE', p .. 'i:' .. me, 100 * lease)
    redis.call('PEXPIRE', p .. 'w:' .. me, 100 * lease)
    return { known and 1 or 0, last }
  end,
  C = function()
    local node = arg()
    if not redis.call('ZSCORE', p .. 'nodes', node) then return false end
    return redis.call('GET', p .. 'i:' .. node) or ''
  end,
  X = function()
    forget(me)
    return 1
  end,
}
local results = {}
while i <= #ARGV do results[#results + 1] = run[arg()]() end
return results
`;
