"""What the shop has in its range: categories, kinds of product, series and finishes. Data only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One kind of product. `low_cents` and `high_cents` bound its price; `purpose` is a sentence about its use."""

    sku_prefix: str
    noun: str
    low_cents: int
    high_cents: int
    purpose: str


@dataclass(frozen=True)
class Category:
    """A shelf of the shop. Each category has its own finishes: nobody sells a lamp in 'hot water proof'."""

    name: str
    kinds: tuple[Kind, ...]
    finishes: tuple[str, ...]


SERIES = (
    "Alder", "Ambleside", "Arden", "Aspen", "Baltic", "Beacon", "Birkdale", "Bramble", "Brook", "Calder",
    "Camden", "Cedar", "Clover", "Copenhagen", "Corran", "Dalby", "Dover", "Dune", "Eider", "Elm",
    "Fairford", "Fen", "Fjord", "Foxglove", "Galway", "Glen", "Gotland", "Harbour", "Hartwell", "Hazel",
    "Heath", "Helsinki", "Holm", "Inverness", "Isle", "Juniper", "Kendal", "Kestrel", "Larch", "Linden",
    "Lisbon", "Loch", "Lund", "Maple", "Marlow", "Meadow", "Mistral", "Moss", "Nordby", "Oakridge",
    "Orchard", "Porto", "Quarry", "Rowan", "Saltmarsh", "Skagen", "Sorrel", "Tarn", "Thistle", "Wren",
)  # fmt: skip

_WOOD = (
    "oak", "walnut", "ash", "beech", "white", "black", "smoked oak", "natural pine", "grey", "sage green",
    "birch", "cherry", "sand", "navy", "clay", "olive", "ivory", "teak", "mustard", "charcoal",
)  # fmt: skip
_METAL = (
    "brass", "matt black", "brushed steel", "copper", "white", "chrome", "bronze", "graphite", "cream", "red",
    "nickel", "gunmetal", "sand", "mint", "terracotta", "slate", "pewter", "gold", "sky blue", "ivory",
)  # fmt: skip
_FABRIC = (
    "linen white", "sand", "charcoal", "navy", "rust", "forest", "blush", "ochre", "grey melange", "denim",
    "sage", "plum", "ivory", "teal", "clay", "ink", "mustard", "stone", "rosewood", "sky",
)  # fmt: skip
_SPORT = (
    "black", "cobalt", "lime", "orange", "grey", "red", "teal", "white", "graphite", "yellow",
    "violet", "petrol", "olive", "coral", "navy", "mint", "magenta", "silver", "turquoise", "amber",
)  # fmt: skip

CATEGORIES = (
    Category("Furniture", (
        Kind("CHAIR", "Dining Chair", 4900, 24900, "Sits well through long dinners."),
        Kind("TABLE", "Dining Table", 19900, 129900, "Seats six, and eight when friends bring friends."),
        Kind("SOFA", "Two-Seat Sofa", 39900, 189900, "Deep enough to read on, firm enough to get up from."),
        Kind("ARMCHAIR", "Armchair", 14900, 79900, "Made for one person and one long book."),
        Kind("STOOL", "Bar Stool", 3900, 17900, "The right height for a kitchen counter."),
        Kind("DESK", "Writing Desk", 12900, 69900, "Room for a laptop, a notebook and both elbows."),
        Kind("BENCH", "Hall Bench", 7900, 34900, "A place to sit while you tie your shoes."),
        Kind("SIDEBOARD", "Sideboard", 24900, 119900, "Hides the good plates and the bad cables."),
    ), _WOOD),
    Category("Lighting", (
        Kind("LAMP", "Table Lamp", 2490, 14900, "Gives a warm pool of light beside the bed."),
        Kind("PENDANT", "Pendant Light", 3990, 29900, "Hangs low over a table without glare."),
        Kind("FLOORLAMP", "Floor Lamp", 5990, 34900, "Lights a corner that had given up."),
        Kind("WALLLIGHT", "Wall Light", 2990, 15900, "Turns by hand to where you read."),
        Kind("DESKLAMP", "Desk Lamp", 2490, 12900, "Stays where you put it."),
        Kind("SPOT", "Ceiling Spot", 1990, 8900, "Three heads that turn on their own."),
        Kind("LANTERN", "Lantern", 1490, 6900, "Good for a candle or a small bulb, inside or out."),
        Kind("NIGHTLIGHT", "Night Light", 990, 3490, "Just bright enough to find the door."),
    ), _METAL),
    Category("Kitchen", (
        Kind("PAN", "Frying Pan", 1990, 12900, "Heats evenly and goes into the oven."),
        Kind("KETTLE", "Kettle", 2490, 14900, "Pours without a drip."),
        Kind("KNIFE", "Chef's Knife", 2990, 18900, "Keeps its edge through a week of onions."),
        Kind("BOWL", "Mixing Bowl", 990, 4490, "Does not slide while you whisk."),
        Kind("GRINDER", "Coffee Grinder", 3490, 24900, "Twelve settings, from espresso to press."),
        Kind("TEAPOT", "Teapot", 1990, 8900, "Holds four cups and keeps them warm."),
        Kind("BOARD", "Chopping Board", 1290, 6900, "Large enough for a loaf and its crumbs."),
        Kind("CASSEROLE", "Casserole", 4990, 27900, "For stews that take all afternoon."),
    ), _METAL),
    Category("Bedroom", (
        Kind("DUVET", "Duvet Cover", 2990, 14900, "Softer after every wash."),
        Kind("PILLOW", "Pillow", 1490, 8900, "Holds its shape until morning."),
        Kind("BLANKET", "Blanket", 2490, 15900, "Warm without weight."),
        Kind("SHEET", "Fitted Sheet", 1490, 6900, "Stays on the corners it was put on."),
        Kind("THROW", "Throw", 1990, 9900, "For the end of the bed, or the whole of a nap."),
        Kind("BEDSPREAD", "Bedspread", 4490, 19900, "Makes an unmade bed look made."),
        Kind("CUSHION", "Cushion", 990, 5490, "The cover comes off and goes into the wash."),
        Kind("TOPPER", "Mattress Topper", 5990, 29900, "Gives a tired mattress a few more years."),
    ), _FABRIC),
    Category("Bathroom", (
        Kind("TOWEL", "Bath Towel", 990, 4990, "Thick, quick to dry, and large enough."),
        Kind("BATHMAT", "Bath Mat", 1290, 5990, "Does not move when you step out."),
        Kind("ROBE", "Bathrobe", 3490, 12900, "Two deep pockets and a loop that holds."),
        Kind("CURTAIN", "Shower Curtain", 1490, 5490, "Weighted at the hem, so it keeps its distance."),
        Kind("HAMPER", "Laundry Hamper", 1990, 8900, "Folds flat while everything is clean."),
        Kind("FLANNEL", "Face Cloth Set", 690, 2490, "Four in a set, with loops."),
        Kind("WASHBAG", "Wash Bag", 1290, 5490, "Hangs open on any hook."),
        Kind("SLIPPER", "Spa Slippers", 990, 3990, "Soft sole, warm feet."),
    ), _FABRIC),
    Category("Garden", (
        Kind("PLANTER", "Planter", 1290, 9900, "Drains well and survives frost."),
        Kind("TROWEL", "Hand Trowel", 790, 3490, "A forged blade on a handle that fits."),
        Kind("WATERCAN", "Watering Can", 1490, 6900, "Balanced when full, with a fine rose."),
        Kind("SHEARS", "Garden Shears", 1990, 8900, "Cuts clean and can be sharpened."),
        Kind("FIREBOWL", "Fire Bowl", 4990, 29900, "Keeps an evening going after sunset."),
        Kind("BIRDHOUSE", "Bird House", 1490, 5990, "The right hole for tits and sparrows."),
        Kind("HAMMOCK", "Hammock", 2990, 14900, "Takes two adults or one adult and a nap."),
        Kind("RAKE", "Leaf Rake", 1490, 5490, "Light enough for a whole autumn."),
    ), _METAL),
    Category("Office", (
        Kind("OFFICECHAIR", "Office Chair", 9900, 69900, "Adjusts to you, not the other way round."),
        Kind("MONITORARM", "Monitor Arm", 3990, 19900, "Clears the desk and spares the neck."),
        Kind("ORGANISER", "Desk Organiser", 990, 4990, "A place for pens, and one for the rest."),
        Kind("LETTERTRAY", "Letter Tray", 890, 3990, "Stacks as high as your backlog."),
        Kind("FOOTREST", "Footrest", 2490, 8900, "Tilts both ways."),
        Kind("LAPTOPSTAND", "Laptop Stand", 1990, 8900, "Lifts the screen to eye height."),
        Kind("BIN", "Waste Bin", 990, 4990, "For drafts one to seven."),
        Kind("WHITEBOARD", "Whiteboard", 2990, 19900, "Wipes clean, even a week later."),
    ), _METAL),
    Category("Storage", (
        Kind("BASKET", "Storage Basket", 990, 5490, "Carries laundry, toys or firewood."),
        Kind("SHELF", "Wall Shelf", 1490, 8900, "Holds thirty kilograms of books."),
        Kind("BOOKCASE", "Bookcase", 7900, 49900, "Five shelves, three of them adjustable."),
        Kind("CHEST", "Storage Chest", 5990, 29900, "The lid closes slowly and quietly."),
        Kind("COATRACK", "Coat Rack", 2990, 14900, "Five hooks and no wobble."),
        Kind("SHOERACK", "Shoe Rack", 1990, 9900, "Room for eight pairs."),
        Kind("WARDROBE", "Wardrobe", 24900, 129900, "A rail, two drawers and a mirror inside."),
        Kind("TRUNK", "Travel Trunk", 8900, 39900, "A coffee table that travels."),
    ), _WOOD),
    Category("Toys", (
        Kind("BLOCKS", "Building Blocks", 1490, 6900, "Sixty pieces, no sharp corners."),
        Kind("PUZZLE", "Jigsaw Puzzle", 990, 3990, "A thousand pieces, all of them in the box."),
        Kind("TRAIN", "Toy Train", 1990, 9900, "Fits every common wooden track."),
        Kind("DOLLHOUSE", "Doll's House", 4990, 19900, "Three floors and a working door."),
        Kind("KITE", "Kite", 1290, 5490, "Flies in a light breeze."),
        Kind("ROCKER", "Rocking Horse", 5990, 24900, "Steady for beginners."),
        Kind("CHESSSET", "Chess Set", 1990, 14900, "Weighted pieces on a folding board."),
        Kind("XYLOPHONE", "Xylophone", 1490, 5990, "In tune, which is rarer than it should be."),
    ), _WOOD),
    Category("Sports", (
        Kind("YOGAMAT", "Yoga Mat", 1490, 8900, "Grips the floor, and your hands."),
        Kind("BOTTLE", "Water Bottle", 990, 3990, "Keeps cold for a day."),
        Kind("BACKPACK", "Day Backpack", 3490, 15900, "Twenty litres, and a dry place for a laptop."),
        Kind("TENT", "Two-Person Tent", 7900, 49900, "Stands in six minutes."),
        Kind("SLEEPBAG", "Sleeping Bag", 4990, 29900, "Comfortable down to five degrees."),
        Kind("RACKET", "Badminton Racket", 1990, 14900, "Light, quick and forgiving."),
        Kind("HELMET", "Cycling Helmet", 2990, 15900, "Tested, vented, and adjustable with one hand."),
        Kind("KETTLEBELL", "Kettlebell", 1990, 8900, "A smooth handle and an honest weight."),
    ), _SPORT),
    Category("Audio", (
        Kind("HEADPHONES", "Headphones", 3990, 34900, "Thirty hours from one charge."),
        Kind("SPEAKER", "Wireless Speaker", 4990, 39900, "Fills a room and pairs in seconds."),
        Kind("EARBUDS", "Earbuds", 2490, 19900, "Three sizes of tips, one of which will fit."),
        Kind("RADIO", "Kitchen Radio", 3490, 17900, "Remembers six stations."),
        Kind("TURNTABLE", "Turntable", 9900, 59900, "Two speeds and a heavy platter."),
        Kind("SOUNDBAR", "Soundbar", 8900, 49900, "Makes dialogue easy to follow."),
        Kind("MICROPHONE", "Microphone", 4490, 24900, "Plugs in and sounds like you."),
        Kind("ALARM", "Alarm Clock", 1490, 7900, "Wakes you once, and gently."),
    ), _SPORT),
    Category("Stationery", (
        Kind("NOTEBOOK", "Notebook", 590, 2990, "Paper that takes ink without bleeding."),
        Kind("PEN", "Fountain Pen", 1490, 14900, "Writes at once after a week in a drawer."),
        Kind("PENCILCASE", "Pencil Case", 790, 3490, "Stands open on a desk."),
        Kind("PLANNER", "Weekly Planner", 990, 3990, "One week on two pages, and room for notes."),
        Kind("CARDS", "Greeting Card Set", 690, 2490, "Twelve cards, twelve envelopes."),
        Kind("FOLIO", "Leather Folio", 2990, 14900, "Carries a pad and the papers that matter."),
        Kind("INK", "Ink Bottle", 790, 3490, "Thirty millilitres, dry in five seconds."),
        Kind("SKETCHBOOK", "Sketchbook", 990, 4490, "Heavy pages that lie flat."),
    ), _FABRIC),
)  # fmt: skip
