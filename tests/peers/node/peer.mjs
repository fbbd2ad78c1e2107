// A peer of link-agent's protocol on node-datachannel, for the tests of wardroom's links. Written from the protocol's
// description; it shares no code with wardroom, so that both can be wrong only in different ways.
//
// Takes one JSON object a line on standard input and prints one a line on standard output.
//
//   node peer.mjs '{"signal":"ws://…","room":"r","name":"N","permission":"helper"}'
//
// Options: "handshake": false says nothing on its own; "surplus": true makes the second offer that link-agent makes with
// this binding; "maxMessageSize": what it takes, in bytes; "strip": true leaves the size out of its description.
import { createInterface } from 'node:readline'

import dataChannels from 'node-datachannel'
import WebSocket from 'ws'

const options = { name: 'Node', permission: 'helper', handshake: true, ...JSON.parse(process.argv[2]) }
const say = (event) => process.stdout.write(`${JSON.stringify(event)}\n`)

let role
let connection
let channel
let permission = options.permission
let descriptions = 0

const base = options.signal.replace(/\/+$/, '')
const socket = new WebSocket(options.room === undefined ? options.signal : `${base}/${options.room}`)
const signal = (type, payload) => socket.send(JSON.stringify({ type, payload }))

function connect() {
  connection?.close()
  channel = undefined
  const settings = { iceServers: [] }
  if (options.maxMessageSize !== undefined) settings.maxMessageSize = options.maxMessageSize
  if (!options.surplus) settings.disableAutoNegotiation = true
  connection = new dataChannels.PeerConnection(options.name, settings)
  connection.onLocalDescription((sdp, type) => {
    descriptions += 1
    say({ event: 'description', type, sdp })
    const stripped = options.strip ? sdp.replace(/a=max-message-size:\d+\r\n/, '') : sdp
    signal(type, stripped)
  })
  connection.onLocalCandidate((candidate, mid) => {
    signal('ice', { candidate: candidate.startsWith('a=') ? candidate : `a=${candidate}`, sdpMid: mid, sdpMLineIndex: 0 })
  })
  connection.onStateChange((state) => say({ event: 'state', state }))
  connection.onDataChannel(use)
}

function handshake(type, negotiated) {
  const frame = { type, name: options.name, requestedPermission: permission }
  if (negotiated !== undefined) frame.negotiatedPermission = negotiated
  channel.sendMessage(JSON.stringify({ ...frame, version: '0.1.0' }))
}

function use(opened) {
  channel = opened
  channel.onOpen(() => {
    say({ event: 'open', label: opened.getLabel(), maxMessageSize: opened.maxMessageSize() })
    if (options.handshake) handshake('handshake')
  })
  channel.onClosed(() => say({ event: 'closed' }))
  channel.onMessage((text) => {
    let value
    try {
      value = JSON.parse(text)
    } catch {
      value = undefined
    }
    if (value?.type === 'handshake' && options.handshake) {
      const order = ['intimate', 'helper', 'chat']
      const negotiated = order[Math.max(order.indexOf(permission), order.indexOf(value.requestedPermission))]
      handshake('handshake-ack', negotiated)
    }
    say({ event: 'message', bytes: Buffer.byteLength(text), text: text.length > 100_000 ? text.slice(0, 100) : text })
  })
}

function call() {
  connect()
  use(connection.createDataChannel('agentlink'))
  if (!options.surplus) connection.setLocalDescription('offer')
}

socket.on('message', (data) => {
  const frame = JSON.parse(data)
  if (frame.type === 'ready') {
    role = frame.payload.role
    say({ event: 'ready', role, room: frame.payload.roomId })
  } else if (frame.type === 'peer-joined') {
    say({ event: 'peer-joined' })
    if (options.calls !== false) call()
  } else if (frame.type === 'offer') {
    const isSurplus = connection !== undefined && options.keep
    if (!isSurplus) connect()
    connection.setRemoteDescription(frame.payload, 'offer')
    // Without a type the binding makes an offer behind its answer, as it does under link-agent.
    if (options.surplus) connection.setLocalDescription()
    else connection.setLocalDescription('answer')
  } else if (frame.type === 'answer') {
    say({ event: 'answer', count: descriptions })
    connection?.setRemoteDescription(frame.payload, 'answer')
  } else if (frame.type === 'ice') {
    try {
      connection?.addRemoteCandidate(frame.payload.candidate, frame.payload.sdpMid)
    } catch {
      // A candidate that does not fit changes nothing.
    }
  } else {
    say({ event: frame.type, payload: frame.payload })
  }
})
socket.on('close', () => say({ event: 'signaling-closed' }))
socket.on('error', (error) => say({ event: 'error', message: error.message }))

const orders = {
  // Sends a text as it is.
  send: ({ text }) => channel.sendMessage(text),
  // Sends a chat of so many bytes.
  sendSized: ({ bytes }) => {
    const empty = JSON.stringify({ id: 'sized', type: 'file', payload: { name: 'n', content: '' } })
    channel.sendMessage(empty.replace('""', `"${'x'.repeat(bytes - empty.length)}"`))
  },
  // Sends many messages one after the other.
  flood: ({ count, bytes }) => {
    const content = 'x'.repeat(bytes)
    for (let number = 0; number < count; number += 1) {
      channel.sendMessage(JSON.stringify({ id: `flood-${number}`, type: 'chat', payload: { content } }))
    }
    say({ event: 'flooded' })
  },
  level: ({ level }) => {
    permission = level
    handshake('handshake')
  },
  binary: ({ text }) => channel.sendMessageBinary(Buffer.from(text)),
  signal: ({ frame }) => socket.send(JSON.stringify(frame)),
  candidates: ({ count }) => {
    for (let number = 0; number < count; number += 1) {
      const address = `198.18.${(number >> 8) & 255}.${number & 255}`
      signal('ice', { candidate: `candidate:${number} 1 UDP 1 ${address} 9 typ host`, sdpMid: '0', sdpMLineIndex: 0 })
    }
    say({ event: 'candidates-sent' })
  },
  channels: ({ count }) => {
    for (let number = 0; number < count; number += 1) connection.createDataChannel(`more-${number}`)
  },
  call,
  hangUp: () => connection.close(),
  leaveSignaling: () => socket.close(),
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const order = JSON.parse(line)
  try {
    const done = orders[order.do](order)
    say({ event: 'done', do: order.do, done })
  } catch (error) {
    say({ event: 'failed', do: order.do, message: error.message })
  }
}).on('close', () => process.exit(0))
