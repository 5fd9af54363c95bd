"""The words that the inference rules of `nli.py` are filled with."""

# hypernym -> hyponyms; plurals are regular
KINDS = {
    "musician": ["violinist", "drummer", "pianist", "singer"],
    "doctor": ["surgeon", "dentist", "cardiologist"],
    "scientist": ["chemist", "biologist", "geologist", "physicist"],
    "artist": ["painter", "sculptor", "potter"],
    "athlete": ["swimmer", "boxer", "runner", "skater"],
    "worker": ["plumber", "carpenter", "miner", "welder"],
    "dog": ["poodle", "terrier", "beagle", "spaniel"],
    "bird": ["sparrow", "eagle", "parrot", "pigeon"],
    "insect": ["beetle", "moth", "hornet"],
    "horse": ["pony", "mare", "stallion"],
}
PEOPLE = [
    "nurse",
    "pilot",
    "baker",
    "lawyer",
    "farmer",
    "teacher",
    "sailor",
    "judge",
    "clerk",
    "soldier",
    "waiter",
    "poet",
]
DOING = [
    "sleeping",
    "waiting",
    "eating",
    "resting",
    "hiding",
    "shivering",
    "drinking",
    "playing",
    "limping",
    "looking around",
]
LOOKS = ["tall", "young", "old", "thin", "hungry", "tired", "nervous", "happy", "strong", "quiet"]
PLACES = [
    "in the park", "near the river", "under the bridge", "in the garden", "on the roof", "behind the school",
    "at the station", "in the forest", "on the beach", "beside the road", "in the cellar", "by the fire",
]  # fmt: skip
STATES = ["asleep", "ill", "hungry", "calm", "angry", "thirsty", "safe", "lost", "ready", "wet"]
# an adjective and its opposite: never both true of a thing
OPPOSITES = [
    ("clean", "dirty"), ("empty", "full"), ("open", "closed"), ("wet", "dry"), ("cheap", "expensive"), ("hot", "cold"),
    ("heavy", "light"), ("new", "old"), ("safe", "dangerous"), ("narrow", "wide"),
    ("strong", "weak"), ("quiet", "loud"),
]  # fmt: skip
THINGS = [
    "bridge", "kitchen", "bottle", "boat", "market", "tunnel", "room", "box", "road", "shop", "cave",
    "bag", "train", "house",
]  # fmt: skip
NUMBERS = ["two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
PLURALS = ["boys", "girls", "farmers", "guests", "students", "tourists", "children", "soldiers", "nurses", "players"]
# past, base form
DEEDS = [
    ("sang", "sing"), ("danced", "dance"), ("left", "leave"), ("slept", "sleep"), ("cried", "cry"), ("spoke", "speak"),
    ("laughed", "laugh"), ("paid", "pay"), ("ate", "eat"), ("called", "call"), ("arrived", "arrive"), ("voted", "vote"),
]  # fmt: skip
# past (also its participle), base form
DONE_TO = [
    ("thanked", "thank"), ("followed", "follow"), ("helped", "help"), ("visited", "visit"), ("blamed", "blame"),
    ("trusted", "trust"), ("praised", "praise"), ("warned", "warn"), ("hired", "hire"), ("called", "call"),
]  # fmt: skip
NAMES = [
    "Ann", "Ben", "Carla", "David", "Emma", "Frank", "Grace", "Henry", "Irene", "Jack", "Kate", "Leo", "Maria", "Nick",
    "Olga", "Peter", "Rosa", "Sam", "Tina", "Victor",
]  # fmt: skip
COMPARED = [
    ("taller", "shorter"),
    ("older", "younger"),
    ("faster", "slower"),
    ("richer", "poorer"),
    ("stronger", "weaker"),
]
SIDES = [("to the left of", "to the right of"), ("above", "below"), ("in front of", "behind"), ("north of", "south of")]
OBJECTS = ["cup", "lamp", "chair", "book", "clock", "vase", "basket", "radio", "ladder", "table", "mirror", "tent"]
# past, base form
WON = [
    ("won the race", "win the race"), ("lost the key", "lose the key"), ("sold the car", "sell the car"),
    ("broke the window", "break the window"), ("found the letter", "find the letter"),
    ("missed the train", "miss the train"),
    ("passed the test", "pass the test"), ("left the town", "leave the town"), ("met the mayor", "meet the mayor"),
    ("burned the soup", "burn the soup"),
]  # fmt: skip
WEATHER = ["it rained", "it snowed", "the bus was late", "the shop was closed", "the road was icy", "the phone rang"]
