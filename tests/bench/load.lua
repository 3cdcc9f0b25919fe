-- For wrk: sends the requests of the file that OSM_REQUESTS names, each once, in order; each stands
-- behind a line with its length. At the end prints what was measured as one line of JSON.

local requests = {}
local sent = 0

function init()
   local file = assert(io.open(os.getenv("OSM_REQUESTS"), "rb"))
   for length in function() return file:read("*l") end do
      requests[#requests + 1] = file:read(tonumber(length))
   end
   file:close()
end

function request()
   -- Behind the last one begins the first again: where each may be sent once, it is answered by an error.
   sent = sent + 1
   return requests[(sent - 1) % #requests + 1]
end

function done(summary, latency)
   local errors = summary.errors
   print(string.format(
      '{"requests":%d,"seconds":%f,"p50":%f,"p99":%f,"refused":%d,"broken":%d}',
      summary.requests, summary.duration / 1e6, latency:percentile(50) / 1e3, latency:percentile(99) / 1e3,
      errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
