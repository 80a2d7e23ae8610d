-- Wireshark dissector for Intel AMT: APF on CIRA (plain, or under TLS that Wireshark decrypts) and on the
-- host interface (MEI), WS-Man and redirection in its channels, each channel put together again.
--
--   wireshark -X lua_script:amtlab_apf.lua capture.pcapng
--   or copy it into the folder of personal Lua plugins (Help, About, Folders)
--
-- Layouts: apf.md 3, redirection.md 2, 4, 5. MEI messages are expected one a packet under link type
-- USER0 (147), as "text2pcap -l 147" makes them. Needs nothing but Wireshark 3.6 or later.

local apf = Proto("apf", "Intel AMT Port Forwarding Protocol")
local redir = Proto("amtredir", "Intel AMT Redirection")

local NAME_MAX, DATA_MAX, UDP_MAX, JSON_MAX = 2048, 1048576, 65535, 1048576

local TYPES = {
    [1] = "DISCONNECT", [5] = "SERVICE_REQUEST", [6] = "SERVICE_ACCEPT", [50] = "USERAUTH_REQUEST",
    [51] = "USERAUTH_FAILURE", [52] = "USERAUTH_SUCCESS", [80] = "GLOBAL_REQUEST", [81] = "REQUEST_SUCCESS",
    [82] = "REQUEST_FAILURE", [90] = "CHANNEL_OPEN", [91] = "CHANNEL_OPEN_CONFIRMATION",
    [92] = "CHANNEL_OPEN_FAILURE", [93] = "CHANNEL_WINDOW_ADJUST", [94] = "CHANNEL_DATA", [97] = "CHANNEL_CLOSE",
    [192] = "PROTOCOLVERSION", [208] = "KEEPALIVE_REQUEST", [209] = "KEEPALIVE_REPLY",
    [210] = "KEEPALIVE_OPTIONS_REQUEST", [211] = "KEEPALIVE_OPTIONS_REPLY", [250] = "JSON_CONTROL",
}
local DEV_ONLY = { [5] = true, [50] = true, [80] = true, [211] = true }
local MPS_ONLY = { [6] = true, [51] = true, [52] = true, [81] = true, [82] = true, [210] = true }
local DISCONNECT_REASONS = {
    [1] = "HOST_NOT_ALLOWED_TO_CONNECT", [2] = "PROTOCOL_ERROR", [7] = "SERVICE_NOT_AVAILABLE",
    [8] = "PROTOCOL_VERSION_NOT_SUPPORTED", [10] = "CONNECTION_LOST", [11] = "BY_APPLICATION",
    [12] = "TOO_MANY_CONNECTIONS", [14] = "NO_MORE_AUTH_METHODS_AVAILABLE", [15] = "ILLEGAL_USER_NAME",
    [16] = "CONNECTION_TIMED_OUT",
}
local OPEN_REASONS = {
    [1] = "ADMINISTRATIVELY_PROHIBITED", [2] = "CONNECT_FAILED", [3] = "UNKNOWN_CHANNEL_TYPE",
    [4] = "RESOURCE_SHORTAGE",
}

local F = {
    type = ProtoField.uint8("apf.type", "Type", base.DEC, TYPES),
    major = ProtoField.uint32("apf.major", "Major version"),
    minor = ProtoField.uint32("apf.minor", "Minor version"),
    trigger = ProtoField.uint32("apf.trigger", "Trigger", base.DEC,
        { [1] = "user", [2] = "alert", [3] = "provisioning", [4] = "periodic", [254] = "local" }),
    uuid = ProtoField.string("apf.uuid", "UUID"),
    reserved = ProtoField.bytes("apf.reserved", "Reserved"),
    reason = ProtoField.uint32("apf.reason", "Reason"),
    service = ProtoField.string("apf.service", "Service"),
    user = ProtoField.string("apf.user", "User"),
    method = ProtoField.string("apf.method", "Method"),
    password = ProtoField.string("apf.password", "Password"),
    methods = ProtoField.string("apf.methods", "Methods"),
    partial = ProtoField.uint8("apf.partial", "Partial success"),
    request = ProtoField.string("apf.request", "Request"),
    want_reply = ProtoField.uint8("apf.want_reply", "Want reply"),
    address = ProtoField.string("apf.address", "Address"),
    port = ProtoField.uint32("apf.port", "Port"),
    originator = ProtoField.string("apf.originator", "Originator"),
    originator_port = ProtoField.uint32("apf.originator_port", "Originator port"),
    channel_type = ProtoField.string("apf.channel_type", "Channel type"),
    recipient_channel = ProtoField.uint32("apf.recipient_channel", "Recipient channel"),
    sender_channel = ProtoField.uint32("apf.sender_channel", "Sender channel"),
    initial_window = ProtoField.uint32("apf.initial_window", "Initial window"),
    bytes_to_add = ProtoField.uint32("apf.bytes_to_add", "Bytes to add"),
    data = ProtoField.bytes("apf.data", "Data"),
    cookie = ProtoField.uint32("apf.cookie", "Cookie"),
    interval = ProtoField.uint32("apf.interval", "Interval (s)"),
    timeout = ProtoField.uint32("apf.timeout", "Timeout (s)"),
    json = ProtoField.string("apf.json", "JSON"),
    channel_port = ProtoField.uint32("apf.channel_port", "Port of the channel"),
}
apf.fields = (function() local list = {} for _, f in pairs(F) do list[#list + 1] = f end return list end)()
local E = {
    malformed = ProtoExpert.new("apf.malformed", "Malformed APF", expert.group.MALFORMED, expert.severity.ERROR),
    lost = ProtoExpert.new("apf.lost", "The stream cannot be decoded any more", expert.group.UNDECODED,
        expert.severity.WARN),
}
apf.experts = { E.malformed, E.lost }
apf.prefs.ports = Pref.range("Ports of servers", "4433", "TCP ports on which CIRA is spoken, plain or under TLS", 65535)

-- ---- reading -----------------------------------------------------------------------------------------------

-- A reader stops at the first thing that is missing (need) or wrong (err); with a tree it shows what it reads.
local function reader(tvb, at, tree)
    return { tvb = tvb, at = at, start = at, tree = tree }
end

local function has(r, n)
    if r.err or r.need then return false end
    if r.tvb:len() - r.at < n then
        r.need = r.at - r.start + n
        return false
    end
    return true
end

local function wrong(r, what, at)
    if not r.err and not r.need then r.err, r.err_at = what, at - r.start end
end

local function number(r, field, size)
    if not has(r, size) then return 0 end
    local range = r.tvb(r.at, size)
    if r.tree and field then r.tree:add(field, range) end
    r.at = r.at + size
    return range:uint()
end

local function counted(r, field, max)
    local at = r.at
    local len = number(r, nil, 4)
    if r.need or r.err then return "", 0 end
    if len > max then wrong(r, "length-limit", at) return "", 0 end
    if not has(r, len) then return "", 0 end
    if r.tree and field then
        if len > 0 then r.tree:add(field, r.tvb(r.at, len)) else r.tree:add(field, r.tvb(at, 4), "") end
    end
    local text = len > 0 and r.tvb(r.at, len) or nil
    r.at = r.at + len
    return text and (field == F.data and "" or text:string()) or "", len
end

local function reserved(r, size)
    if not has(r, size) then return end
    if r.tree then r.tree:add(F.reserved, r.tvb(r.at, size)) end
    r.at = r.at + size
end

-- The 16 bytes as the UUID's canonical text: the first three groups are little-endian (apf.md 3.18).
local function uuid(r)
    if not has(r, 16) then return "" end
    local range = r.tvb(r.at, 16)
    local hex = tostring(range:bytes()):lower()
    local function b(i) return hex:sub(i * 2 + 1, i * 2 + 2) end
    local text = b(3) .. b(2) .. b(1) .. b(0) .. "-" .. b(5) .. b(4) .. "-" .. b(7) .. b(6) .. "-" .. b(8) .. b(9) ..
        "-" .. hex:sub(21)
    if r.tree then r.tree:add(F.uuid, range, text) end
    r.at = r.at + 16
    return text
end

local function reason(r, names)
    local at = r.at
    local code = number(r, nil, 4)
    if r.tree and not r.need then
        r.tree:add(F.reason, r.tvb(at, 4)):append_text(names[code] and " (" .. names[code] .. ")" or "")
    end
    return code
end

-- ---- messages: each returns words for the info column -------------------------------------------------------

local M = {}

M[1] = function(r) local c = reason(r, DISCONNECT_REASONS) reserved(r, 2) return DISCONNECT_REASONS[c] or tostring(c) end
M[5] = function(r) return (counted(r, F.service, NAME_MAX)) end
M[6] = M[5]
M[50] = function(r, m)
    m.user = counted(r, F.user, NAME_MAX)
    counted(r, F.service, NAME_MAX)
    local at = r.at
    local method = counted(r, F.method, NAME_MAX)
    if r.err or r.need then return "" end
    if method == "password" then
        local flag = r.at
        local change = number(r, nil, 1)
        if not r.need and change ~= 0 then wrong(r, "bad-value", flag) end
        counted(r, F.password, NAME_MAX)
    elseif method ~= "none" then
        wrong(r, "unknown-method", at)
    end
    return m.user
end
M[51] = function(r) local text = counted(r, F.methods, NAME_MAX) number(r, F.partial, 1) return text end
M[52] = function() return "" end
M[80] = function(r, m)
    local at = r.at
    m.request = counted(r, F.request, NAME_MAX)
    if r.err or r.need then return "" end
    m.want_reply = number(r, F.want_reply, 1)
    if m.request == "tcpip-forward" or m.request == "cancel-tcpip-forward" then
        counted(r, F.address, NAME_MAX)
        m.port = number(r, F.port, 4)
    elseif m.request == "udp-send-to@amt.intel.com" then
        counted(r, F.address, NAME_MAX)
        m.port = number(r, F.port, 4)
        counted(r, F.originator, NAME_MAX)
        number(r, F.originator_port, 4)
        counted(r, F.data, UDP_MAX)
    else
        r.need = nil
        wrong(r, "unknown-request", at)
    end
    return m.request .. " " .. (m.port or "")
end
M[81] = function(r, m)
    if m.pending == "" then wrong(r, "unexpected", r.start) return "" end
    -- on MEI the message is the packet: its length tells the form
    local has_port = m.pending == "tcpip-forward" or (m.pending == nil and r.tvb:len() - r.at >= 4)
    if has_port then return tostring(number(r, F.port, 4)) end
    return ""
end
M[82] = function(r, m)
    if m.pending == "" then wrong(r, "unexpected", r.start) end
    return ""
end
M[90] = function(r, m)
    local kind = counted(r, F.channel_type, NAME_MAX)
    m.sender = number(r, F.sender_channel, 4)
    number(r, F.initial_window, 4)
    reserved(r, 4)
    counted(r, F.address, NAME_MAX)
    m.port = number(r, F.port, 4)
    counted(r, F.originator, NAME_MAX)
    number(r, F.originator_port, 4)
    return kind .. " " .. m.port .. " sender " .. m.sender
end
M[91] = function(r, m)
    m.recipient = number(r, F.recipient_channel, 4)
    m.sender = number(r, F.sender_channel, 4)
    number(r, F.initial_window, 4)
    reserved(r, 4)
    return "recipient " .. m.recipient .. " sender " .. m.sender
end
M[92] = function(r, m)
    m.recipient = number(r, F.recipient_channel, 4)
    local code = reason(r, OPEN_REASONS)
    reserved(r, 8)
    return "recipient " .. m.recipient .. " " .. (OPEN_REASONS[code] or code)
end
M[93] = function(r, m)
    m.recipient = number(r, F.recipient_channel, 4)
    return "recipient " .. m.recipient .. " +" .. number(r, F.bytes_to_add, 4)
end
M[94] = function(r, m)
    m.recipient = number(r, F.recipient_channel, 4)
    local _, len = counted(r, F.data, DATA_MAX)
    m.data_at, m.data_len = r.at - len, len
    return "recipient " .. m.recipient .. " " .. len .. " bytes"
end
M[97] = function(r, m) m.recipient = number(r, F.recipient_channel, 4) return "recipient " .. m.recipient end
M[192] = function(r)
    local major, minor = number(r, F.major, 4), number(r, F.minor, 4)
    number(r, F.trigger, 4)
    local id = uuid(r)
    reserved(r, 64)
    return major .. "." .. minor .. " " .. id
end
M[208] = function(r) return tostring(number(r, F.cookie, 4)) end
M[209] = M[208]
M[210] = function(r) return number(r, F.interval, 4) .. " s, " .. number(r, F.timeout, 4) .. " s" end
M[211] = M[210]
M[250] = function(r) counted(r, F.json, JSON_MAX) return "" end

-- One message at `at`. m: type, the pending request for 81 and 82, and what was read.
local function parse(tvb, at, tree, m)
    local r = reader(tvb, at, tree)
    m.type = number(r, F.type, 1)
    if r.need then return r, "" end
    if not M[m.type] then
        wrong(r, "unknown-type", at)
    elseif (m.from_device == true and MPS_ONLY[m.type]) or (m.from_device == false and DEV_ONLY[m.type]) then
        wrong(r, "direction", at)
    end
    local words = (r.err and "") or M[m.type](r, m)
    return r, words
end

-- ---- redirection --------------------------------------------------------------------------------------------

local REDIR = {
    [0x10] = "StartRedirectionSession", [0x11] = "StartRedirectionSessionReply", [0x12] = "EndRedirectionSession",
    [0x13] = "AuthenticateSession", [0x14] = "AuthenticateSessionReply", [0x20] = "StartSol", [0x21] = "StartSolReply",
    [0x22] = "EndSol", [0x23] = "EndSolReply", [0x24] = "SolPing", [0x25] = "SolPong", [0x27] = "SolControlsToHost",
    [0x28] = "SolDataToHost", [0x29] = "SolControlsFromHost", [0x2a] = "SolDataFromHost", [0x2b] = "SolHeartbeat",
    [0x40] = "Open", [0x41] = "OpenReply", [0x42] = "Close", [0x43] = "CloseReply", [0x44] = "Ping", [0x45] = "Pong",
    [0x46] = "ResetOccurred", [0x47] = "ResetOccurredResponse", [0x48] = "Features", [0x49] = "FeaturesReply",
    [0x4a] = "ErrorOccurred", [0x4b] = "Heartbeat", [0x50] = "CommandWritten", [0x51] = "CommandEndResponse",
    [0x52] = "GetDataFromHost", [0x53] = "DataFromHost", [0x54] = "DataToHost",
}
local R = {
    id = ProtoField.uint8("amtredir.id", "Message", base.HEX, REDIR),
    kind = ProtoField.string("amtredir.type", "Type"),
    status = ProtoField.uint8("amtredir.status", "Status"),
    method = ProtoField.uint8("amtredir.method", "Authentication method"),
    length = ProtoField.uint32("amtredir.length", "Length"),
    sequence = ProtoField.uint32("amtredir.sequence", "Sequence"),
    data = ProtoField.bytes("amtredir.data", "Data"),
}
redir.fields = { R.id, R.kind, R.status, R.method, R.length, R.sequence, R.data }

local FIXED = {
    [0x10] = 8, [0x12] = 4, [0x20] = 24, [0x21] = 23, [0x22] = 8, [0x23] = 8, [0x24] = 8, [0x25] = 8, [0x27] = 14,
    [0x29] = 10, [0x2b] = 8, [0x42] = 8, [0x43] = 8, [0x44] = 8, [0x45] = 8, [0x46] = 9, [0x47] = 8, [0x49] = 13,
    [0x4a] = 11, [0x4b] = 8, [0x50] = 28, [0x51] = 31, [0x52] = 31,
}

-- Length of the message at the front of a ByteArray; 0: more is needed; nil: not of redirection any more (KVM).
local function redir_length(bytes, at, kind)
    local left = bytes:len() - at
    local id = bytes:get_index(at)
    local function le16(i) return bytes:get_index(at + i) + bytes:get_index(at + i + 1) * 256 end
    if id == 0x11 then
        if left < 4 then return 0 end
        return left < 13 and 0 or 13 + bytes:get_index(at + 12)
    elseif id == 0x13 or id == 0x14 then
        if left < 9 then return 0 end
        return 9 + le16(5) + le16(7) * 65536
    elseif kind == "KVMR" and id ~= 0x10 and id ~= 0x12 then
        if (id == 0x40 or id == 0x41) and left >= 8 then return 8 end
        return nil
    elseif id == 0x28 or id == 0x2a then
        return left < 10 and 0 or 10 + le16(8)
    elseif id == 0x40 then
        return 18
    elseif id == 0x41 then
        return left < 30 and 0 or 30 + bytes:get_index(at + 29)
    elseif id == 0x48 then
        return left < 9 and 0 or (bytes:get_index(at + 8) == 1 and 9 or 13)
    elseif id == 0x53 then
        return left < 14 and 0 or 14 + le16(9)
    elseif id == 0x54 then
        return left < 34 and 0 or 34 + le16(9)
    end
    return FIXED[id]
end

function redir.dissector(tvb, pinfo, tree)
    local id = tvb(0, 1):uint()
    local t = tree:add(redir, tvb(), "Intel AMT Redirection: " .. (REDIR[id] or string.format("0x%02x", id)))
    t:add(R.id, tvb(0, 1))
    if id == 0x10 and tvb:len() >= 8 then
        t:add(R.kind, tvb(4, 4))
    elseif id == 0x11 or id == 0x14 then
        t:add(R.status, tvb(1, 1))
    end
    if (id == 0x13 or id == 0x14) and tvb:len() >= 9 then
        t:add(R.method, tvb(4, 1))
        t:add_le(R.length, tvb(5, 4))
        if tvb:len() > 9 then t:add(R.data, tvb(9)) end
    elseif id >= 0x20 and tvb:len() >= 8 then
        t:add_le(R.sequence, tvb(4, 4))
        if tvb:len() > 8 then t:add(R.data, tvb(8)) end
    end
    return tvb:len()
end

-- ---- channels -----------------------------------------------------------------------------------------------

local http = Dissector.get("http")

-- Length of the HTTP message at the front of a text: 0 when it is not complete, nil when it is none.
local function http_length(text)
    if not (text:find("^HTTP/1%.") or text:find("^%u+ /")) then return nil end
    local head = select(2, text:find("\r\n\r\n", 1, true))
    if not head then return 0 end
    local lower = text:sub(1, head):lower()
    if lower:find("transfer%-encoding:%s*chunked") then
        local at = head + 1
        while true do
            local line = text:find("\r\n", at, true)
            if not line then return 0 end
            local size = tonumber(text:sub(at, line - 1):match("^%x+") or "", 16)
            if not size then return nil end
            if size == 0 then return text:sub(line + 2, line + 3) == "\r\n" and line + 3 or line + 1 end
            at = line + 2 + size + 2
            if at > #text + 1 then return 0 end
        end
    end
    local length = tonumber(lower:match("content%-length:%s*(%d+)") or "0")
    return #text >= head + length and head + length or 0
end

-- Whole messages at the front of what a channel has collected in one direction: list of { kind, bytes }.
local function take_messages(way)
    local list = {}
    while way.bytes:len() > 0 and not way.is_opaque do
        local first = way.bytes:get_index(0)
        local len, kind
        if way.is_redirection or first == 0x10 or first == 0x11 then
            way.is_redirection = true
            kind = "redirection"
            if first == 0x10 and way.bytes:len() >= 8 then
                way.channel.kind = way.bytes:subset(4, 4):raw()
            end
            len = redir_length(way.bytes, 0, way.channel.kind)
            if len and len > way.bytes:len() then len = 0 end
        else
            kind = "http"
            len = http_length(way.bytes:raw())
        end
        if len == nil then
            way.is_opaque = true -- TLS, KVM's own protocol, or something else: shown as data of APF alone
        elseif len == 0 then
            break
        else
            list[#list + 1] = { kind = kind, bytes = way.bytes:subset(0, len) }
            local rest = way.bytes:len() - len
            way.bytes = rest > 0 and way.bytes:subset(len, rest) or ByteArray.new()
        end
    end
    if way.is_opaque then way.bytes = ByteArray.new() end
    return list
end

local function new_channel(port)
    local channel = { port = port }
    channel.ways = { [true] = { bytes = ByteArray.new(), channel = channel },
        [false] = { bytes = ByteArray.new(), channel = channel } }
    return channel
end

-- ---- connections --------------------------------------------------------------------------------------------

local conversations = {} -- by tcp.stream, or "mei"
local tcp_stream = Field.new("tcp.stream")

function apf.init()
    conversations = {}
end

local function conversation(key)
    local c = conversations[key]
    if not c then
        -- numbers[true]: channels by the number that the device chose, and so on
        c = { pending = {}, frames = {}, numbers = { [true] = {}, [false] = {} }, opening = { [true] = {}, [false] = {} },
            lost = {} }
        conversations[key] = c
    end
    return c
end

-- What a message means for those behind it; only once, when the frame is seen first.
local function follow(c, m, tvb)
    local dev = m.from_device
    if dev == nil then return end
    if m.type == 80 and m.want_reply ~= 0 then
        c.pending[#c.pending + 1] = m.request
    elseif m.type == 81 or m.type == 82 then
        table.remove(c.pending, 1)
    elseif m.type == 90 then
        c.opening[dev][m.sender] = new_channel(m.port)
        c.numbers[dev][m.sender] = c.opening[dev][m.sender]
    elseif m.type == 91 then
        local channel = c.opening[not dev][m.recipient]
        c.numbers[dev][m.sender] = channel
    elseif m.type == 94 then
        local channel = c.numbers[not dev][m.recipient]
        if channel then
            m.channel_port = channel.port
            local way = channel.ways[dev]
            if m.data_len > 0 then way.bytes = way.bytes .. tvb(m.data_at, m.data_len):bytes() end
            m.messages = take_messages(way)
        end
    end
end

local function show_channel(m, pinfo, tree, subtree)
    if m.channel_port then subtree:add(F.channel_port, m.channel_port):set_generated() end
    for _, message in ipairs(m.messages or {}) do
        local tvb = message.bytes:tvb(message.kind == "http" and "HTTP in channel" or "Redirection in channel")
        if message.kind == "http" then
            http:call(tvb, pinfo, tree)
        else
            redir.dissector(tvb, pinfo, tree)
        end
    end
end

local function show_error(r, c, tvb, at, subtree, pinfo, what)
    local text = string.format("%s at byte %d", what, r.err_at or 0)
    subtree:add_proto_expert_info(E.malformed, text)
    subtree:append_text(" [Malformed: " .. text .. "]")
    pinfo.cols.info:append(" [Malformed: " .. text .. "]")
end

-- Messages one behind the other from `at`. from_device: true, false, or nil when it cannot be known.
local function dissect_messages(c, tvb, pinfo, tree, from_device, key_of_frame)
    local frame = c.frames[key_of_frame] or {}
    local is_first = c.frames[key_of_frame] == nil
    c.frames[key_of_frame] = frame
    local at, index, infos = 0, 1, {}
    if frame.was_lost or (is_first and c.lost[from_device]) then
        frame.was_lost = true
        local t = tree:add(apf, tvb(), "Intel AMT APF: not decoded")
        t:add_proto_expert_info(E.lost, "behind a message that is not APF")
        return tvb:len()
    end
    while at < tvb:len() do
        local m = frame[index] or { from_device = from_device, pending = c.pending[1] or "" }
        if from_device == nil then m.pending = nil end
        local probe = parse(tvb, at, nil, m)
        if probe.need then
            pinfo.desegment_offset = at
            pinfo.desegment_len = math.max(probe.need - (tvb:len() - at), 1)
            frame.needs = true
            if is_first then c.frames[key_of_frame] = (index > 1) and frame or nil end
            break
        end
        local len = probe.err and tvb:len() - at or probe.at - at
        local name = TYPES[m.type] or string.format("type %d", m.type)
        local subtree = tree:add(apf, tvb(at, len), "Intel AMT APF: " .. name)
        local r, words = parse(tvb, at, subtree, m)
        infos[#infos + 1] = name .. (words ~= "" and " " .. words or "")
        if r.err then
            pinfo.cols.info:append(table.concat(infos, ", "))
            show_error(r, c, tvb, at, subtree, pinfo, r.err)
            c.lost[from_device] = true
            return tvb:len()
        end
        subtree:append_text(words ~= "" and " " .. words or "")
        if not frame[index] then
            frame[index] = m
            follow(c, m, tvb)
        end
        show_channel(m, pinfo, tree, subtree)
        at, index = at + len, index + 1
    end
    pinfo.cols.protocol = "APF"
    if #infos > 0 then pinfo.cols.info = table.concat(infos, ", ") end
    return tvb:len()
end

local function end_of(pinfo, is_source)
    return tostring(is_source and pinfo.src or pinfo.dst) .. ":" .. (is_source and pinfo.src_port or pinfo.dst_port)
end

function apf.dissector(tvb, pinfo, tree)
    local stream = tcp_stream()
    local c = conversation(stream and stream.value or end_of(pinfo, true))
    pinfo.cols.protocol = "APF"
    pinfo.cols.info = ""
    -- the device speaks first
    c.device = c.device or end_of(pinfo, true)
    local from_device = c.device == end_of(pinfo, true)
    -- several TLS records of one frame come one after the other: their bytes tell them apart
    local key = pinfo.number .. ":" .. tvb:len() .. ":" .. tostring(tvb(0, math.min(tvb:len(), 64)):bytes())
    return dissect_messages(c, tvb, pinfo, tree, from_device, key)
end

-- ---- where it is found ----------------------------------------------------------------------------------------

local tls = Dissector.get("tls")
local front = Proto("apf_or_tls", "Intel AMT APF, plain or under TLS")
local decided, over_tls = {}, {} -- by tcp.stream

function front.init()
    decided, over_tls = {}, {}
end

-- The same port may speak either: the first byte of a connection tells.
function front.dissector(tvb, pinfo, tree)
    local stream = tcp_stream().value
    if decided[stream] == nil and tvb:len() > 0 then
        decided[stream] = tvb(0, 1):uint() == 0x16
    end
    if decided[stream] then
        pinfo.can_desegment = 2 -- a call takes one off, and TLS needs one to put its records together
        return tls:call(tvb, pinfo, tree)
    end
    return apf.dissector(tvb, pinfo, tree)
end

local function begins_as_apf(tvb)
    if tvb:len() >= 93 and tvb(0, 1):uint() == 192 and tvb(1, 4):uint() == 1 then return true end
    return tvb:len() >= 23 and tvb(0, 5):bytes():tohex() == "0500000012" and tvb(5, 18):string() == "auth@amt.intel.com"
end

local function on_tcp(tvb, pinfo, tree)
    if not begins_as_apf(tvb) then return false end
    pinfo.conversation = apf
    apf.dissector(tvb, pinfo, tree)
    return true
end

-- The connection itself stays TLS; which of them carry APF is remembered here.
local function on_tls(tvb, pinfo, tree)
    local stream = tcp_stream().value
    if not over_tls[stream] and not begins_as_apf(tvb) then return false end
    over_tls[stream] = true
    apf.dissector(tvb, pinfo, tree)
    return true
end

apf:register_heuristic("tcp", on_tcp)
apf:register_heuristic("tls", on_tls)
DissectorTable.get("tcp.port"):add(apf.prefs.ports, front)
DissectorTable.get("tls.port"):add(apf.prefs.ports, apf)

-- MEI: one message a packet; who sent it is not in it.
local mei = Proto("apf_mei", "Intel AMT APF on MEI")

function mei.dissector(tvb, pinfo, tree)
    pinfo.cols.protocol = "APF"
    pinfo.cols.info = ""
    local c = conversation("mei")
    local t = tree:add(mei, tvb())
    dissect_messages(c, tvb, pinfo, tree, nil, "mei" .. pinfo.number)
    if pinfo.desegment_len > 0 then
        t:add_proto_expert_info(E.malformed, "need-more: a message on MEI is never cut")
        pinfo.desegment_len = 0
    end
    return tvb:len()
end

DissectorTable.get("wtap_encap"):add(wtap.USER0, mei)
