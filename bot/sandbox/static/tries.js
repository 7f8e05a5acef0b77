// What "Try these" offers. A line shows `text` (or `label`) and `hint`; steps.js does what it says:
//   text       sent as a command or message; several are sent one after the other
//   about      a message in #triage that it belongs to: `text` is sent in its thread
//   shortcut   the message shortcut used on that message, the global one without
//   tab        of the app that is opened
// `start` puts it among the first things offered in an empty channel.

export const TRIES = [
  { group: "Ask", items: [
    { text: "/recordings room=1230 status=ongoing last=6h", hint: "What runs in a room", start: "Ask about a room" },
    { text: "/recordings help", hint: "Examples, every term, and the form" },
    { text: "/recordings from=today", hint: "All of today; page with Older ▶" },
    { text: "/recordings status=failed last=2d", hint: "What ended abnormally" },
    { text: "/recordings room=1230,902,7 last=1d", hint: "Several rooms at once" },
    { text: "/recordings from=\"yesterday 14:00\" to=\"yesterday 18:00\"", hint: "Yesterday afternoon, in your zone" },
    { text: "/recordings 1230 live 6h", hint: "Bare words and synonyms" },
  ] },
  { group: "Help a customer", items: [
    {
      label: "Find recordings", about: "room 88", shortcut: true, start: "Help a customer in #triage",
      hint: "The shortcut on a message in #triage: it finds the room in it. Press Search, then Details",
    },
    { text: "@Recordings room=404", about: "room 404", hint: "A mention in a thread of #triage is answered there" },
    { text: "@Recordings room=1230 status=ongoing", hint: "A mention in a channel begins a thread" },
    { label: "Home", tab: "home", hint: "The app’s Home tab, with the form behind a button", start: "Open the app’s Home" },
    { label: "Find recordings, from anywhere", shortcut: true, hint: "The same form without a message: ⚡ below" },
  ] },
  { group: "What happened? Open Details", items: [
    { text: "/recordings room=88 last=3d", hint: "Rescue: the only copies are in backup storage" },
    { text: "/recordings room=404,405 last=1d", hint: "Lost: files that never arrived" },
    { text: "/recordings room=7,night-shift last=1d", hint: "Runaway: for hours, and it bills" },
    { text: "/recordings room=730", hint: "Short: 12 of 58 minutes captured" },
    { text: "/recordings room=600", hint: "Stuck start: it never began" },
    { text: "/recordings room=500,502,503 last=3d", hint: "Failed, and why that may be" },
    { text: "/recordings room=7,88,404,500,730 status=attention last=1d", hint: "What needs attention in five rooms" },
    { text: "/recordings status=attention last=1d", hint: "In every room: each one is looked at, which takes some 20 seconds" },
  ] },
  { group: "By status", items: [
    { text: "/recordings status=starting", hint: "Not begun properly yet" },
    { text: "/recordings status=ongoing", hint: "Everything that runs" },
    { text: "/recordings status=paused last=3d", hint: "Paused, however long ago it began" },
    { text: "/recordings status=ended last=1h", hint: "Just ended" },
  ] },
  { group: "Digests", items: [
    {
      text: "/recordings digest add \"weekdays at 09:00\" room=1230,7,88,404,600,730",
      hint: "Every weekday at 9; push the clock by a day to see one come",
    },
    { text: "/recordings digest run 1", hint: "The first digest now, as a test" },
    { text: "/recordings digest list", hint: "What is posted here, and when next" },
  ] },
  { group: "Not so easy", items: [
    { text: "/recordings statsu=ongoing", hint: "A slip, with a suggestion" },
    {
      label: "room=1230, then room=1320", text: ["/recordings room=1230", "/recordings room=1320"],
      hint: "No such room, but one seen a moment ago is similar",
    },
    { text: "/recordings room=<b>&amp; last=1d", hint: "A room with an odd name" },
    { text: "/recordings last=9d", hint: "Further back than can be seen" },
  ] },
];

export const STARTS = TRIES.flatMap((group) => group.items).filter((item) => item.start);

export const PACES = [1, 60, 600];

export const PUSHES = [
  { label: "+1 minute", seconds: 60 },
  { label: "+1 hour", seconds: 3600 },
  { label: "+1 day", seconds: 86_400 },
];
