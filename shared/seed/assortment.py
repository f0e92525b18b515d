"""What the shop has in its range: categories, kinds of product, series and finishes. Data only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class ProductKind:
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
    kinds: tuple[ProductKind, ...]
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
        ProductKind("CHAIR", "Dining Chair", 4900, 24900, "Sits well through long dinners."),
        ProductKind("TABLE", "Dining Table", 19900, 129900, "Seats six, and eight when friends bring friends."),
        ProductKind("SOFA", "Two-Seat Sofa", 39900, 189900, "Deep enough to read on, firm enough to get up from."),
        ProductKind("ARMCHAIR", "Armchair", 14900, 79900, "Made for one person and one long book."),
        ProductKind("STOOL", "Bar Stool", 3900, 17900, "The right height for a kitchen counter."),
        ProductKind("DESK", "Writing Desk", 12900, 69900, "Room for a laptop, a notebook and both elbows."),
        ProductKind("BENCH", "Hall Bench", 7900, 34900, "A place to sit while you tie your shoes."),
        ProductKind("SIDEBOARD", "Sideboard", 24900, 119900, "Hides the good plates and the bad cables."),
    ), _WOOD),
    Category("Lighting", (
        ProductKind("LAMP", "Table Lamp", 2490, 14900, "Gives a warm pool of light beside the bed."),
        ProductKind("PENDANT", "Pendant Light", 3990, 29900, "Hangs low over a table without glare."),
        ProductKind("FLOORLAMP", "Floor Lamp", 5990, 34900, "Lights a corner that had given up."),
        ProductKind("WALLLIGHT", "Wall Light", 2990, 15900, "Turns by hand to where you read."),
        ProductKind("DESKLAMP", "Desk Lamp", 2490, 12900, "Stays where you put it."),
        ProductKind("SPOT", "Ceiling Spot", 1990, 8900, "Three heads that turn on their own."),
        ProductKind("LANTERN", "Lantern", 1490, 6900, "Good for a candle or a small bulb, inside or out."),
        ProductKind("NIGHTLIGHT", "Night Light", 990, 3490, "Just bright enough to find the door."),
    ), _METAL),
    Category("Kitchen", (
        ProductKind("PAN", "Frying Pan", 1990, 12900, "Heats evenly and goes into the oven."),
        ProductKind("KETTLE", "Kettle", 2490, 14900, "Pours without a drip."),
        ProductKind("KNIFE", "Chef's Knife", 2990, 18900, "Keeps its edge through a week of onions."),
        ProductKind("BOWL", "Mixing Bowl", 990, 4490, "Does not slide while you whisk."),
        ProductKind("GRINDER", "Coffee Grinder", 3490, 24900, "Twelve settings, from espresso to press."),
        ProductKind("TEAPOT", "Teapot", 1990, 8900, "Holds four cups and keeps them warm."),
        ProductKind("BOARD", "Chopping Board", 1290, 6900, "Large enough for a loaf and its crumbs."),
        ProductKind("CASSEROLE", "Casserole", 4990, 27900, "For stews that take all afternoon."),
    ), _METAL),
    Category("Bedroom", (
        ProductKind("DUVET", "Duvet Cover", 2990, 14900, "Softer after every wash."),
        ProductKind("PILLOW", "Pillow", 1490, 8900, "Holds its shape until morning."),
        ProductKind("BLANKET", "Blanket", 2490, 15900, "Warm without weight."),
        ProductKind("SHEET", "Fitted Sheet", 1490, 6900, "Stays on the corners it was put on."),
        ProductKind("THROW", "Throw", 1990, 9900, "For the end of the bed, or the whole of a nap."),
        ProductKind("BEDSPREAD", "Bedspread", 4490, 19900, "Makes an unmade bed look made."),
        ProductKind("CUSHION", "Cushion", 990, 5490, "The cover comes off and goes into the wash."),
        ProductKind("TOPPER", "Mattress Topper", 5990, 29900, "Gives a tired mattress a few more years."),
    ), _FABRIC),
    Category("Bathroom", (
        ProductKind("TOWEL", "Bath Towel", 990, 4990, "Thick, quick to dry, and large enough."),
        ProductKind("BATHMAT", "Bath Mat", 1290, 5990, "Does not move when you step out."),
        ProductKind("ROBE", "Bathrobe", 3490, 12900, "Two deep pockets and a loop that holds."),
        ProductKind("CURTAIN", "Shower Curtain", 1490, 5490, "Weighted at the hem, so it keeps its distance."),
        ProductKind("HAMPER", "Laundry Hamper", 1990, 8900, "Folds flat while everything is clean."),
        ProductKind("FLANNEL", "Face Cloth Set", 690, 2490, "Four in a set, with loops."),
        ProductKind("WASHBAG", "Wash Bag", 1290, 5490, "Hangs open on any hook."),
        ProductKind("SLIPPER", "Spa Slippers", 990, 3990, "Soft sole, warm feet."),
    ), _FABRIC),
    Category("Garden", (
        ProductKind("PLANTER", "Planter", 1290, 9900, "Drains well and survives frost."),
        ProductKind("TROWEL", "Hand Trowel", 790, 3490, "A forged blade on a handle that fits."),
        ProductKind("WATERCAN", "Watering Can", 1490, 6900, "Balanced when full, with a fine rose."),
        ProductKind("SHEARS", "Garden Shears", 1990, 8900, "Cuts clean and can be sharpened."),
        ProductKind("FIREBOWL", "Fire Bowl", 4990, 29900, "Keeps an evening going after sunset."),
        ProductKind("BIRDHOUSE", "Bird House", 1490, 5990, "The right hole for tits and sparrows."),
        ProductKind("HAMMOCK", "Hammock", 2990, 14900, "Takes two adults or one adult and a nap."),
        ProductKind("RAKE", "Leaf Rake", 1490, 5490, "Light enough for a whole autumn."),
    ), _METAL),
    Category("Office", (
        ProductKind("OFFICECHAIR", "Office Chair", 9900, 69900, "Adjusts to you, not the other way round."),
        ProductKind("MONITORARM", "Monitor Arm", 3990, 19900, "Clears the desk and spares the neck."),
        ProductKind("ORGANISER", "Desk Organiser", 990, 4990, "A place for pens, and one for the rest."),
        ProductKind("LETTERTRAY", "Letter Tray", 890, 3990, "Stacks as high as your backlog."),
        ProductKind("FOOTREST", "Footrest", 2490, 8900, "Tilts both ways."),
        ProductKind("LAPTOPSTAND", "Laptop Stand", 1990, 8900, "Lifts the screen to eye height."),
        ProductKind("BIN", "Waste Bin", 990, 4990, "For drafts one to seven."),
        ProductKind("WHITEBOARD", "Whiteboard", 2990, 19900, "Wipes clean, even a week later."),
    ), _METAL),
    Category("Storage", (
        ProductKind("BASKET", "Storage Basket", 990, 5490, "Carries laundry, toys or firewood."),
        ProductKind("SHELF", "Wall Shelf", 1490, 8900, "Holds thirty kilograms of books."),
        ProductKind("BOOKCASE", "Bookcase", 7900, 49900, "Five shelves, three of them adjustable."),
        ProductKind("CHEST", "Storage Chest", 5990, 29900, "The lid closes slowly and quietly."),
        ProductKind("COATRACK", "Coat Rack", 2990, 14900, "Five hooks and no wobble."),
        ProductKind("SHOERACK", "Shoe Rack", 1990, 9900, "Room for eight pairs."),
        ProductKind("WARDROBE", "Wardrobe", 24900, 129900, "A rail, two drawers and a mirror inside."),
        ProductKind("TRUNK", "Travel Trunk", 8900, 39900, "A coffee table that travels."),
    ), _WOOD),
    Category("Toys", (
        ProductKind("BLOCKS", "Building Blocks", 1490, 6900, "Sixty pieces, no sharp corners."),
        ProductKind("PUZZLE", "Jigsaw Puzzle", 990, 3990, "A thousand pieces, all of them in the box."),
        ProductKind("TRAIN", "Toy Train", 1990, 9900, "Fits every common wooden track."),
        ProductKind("DOLLHOUSE", "Doll's House", 4990, 19900, "Three floors and a working door."),
        ProductKind("KITE", "Kite", 1290, 5490, "Flies in a light breeze."),
        ProductKind("ROCKER", "Rocking Horse", 5990, 24900, "Steady for beginners."),
        ProductKind("CHESSSET", "Chess Set", 1990, 14900, "Weighted pieces on a folding board."),
        ProductKind("XYLOPHONE", "Xylophone", 1490, 5990, "In tune, which is rarer than it should be."),
    ), _WOOD),
    Category("Sports", (
        ProductKind("YOGAMAT", "Yoga Mat", 1490, 8900, "Grips the floor, and your hands."),
        ProductKind("BOTTLE", "Water Bottle", 990, 3990, "Keeps cold for a day."),
        ProductKind("BACKPACK", "Day Backpack", 3490, 15900, "Twenty litres, and a dry place for a laptop."),
        ProductKind("TENT", "Two-Person Tent", 7900, 49900, "Stands in six minutes."),
        ProductKind("SLEEPBAG", "Sleeping Bag", 4990, 29900, "Comfortable down to five degrees."),
        ProductKind("RACKET", "Badminton Racket", 1990, 14900, "Light, quick and forgiving."),
        ProductKind("HELMET", "Cycling Helmet", 2990, 15900, "Tested, vented, and adjustable with one hand."),
        ProductKind("KETTLEBELL", "Kettlebell", 1990, 8900, "A smooth handle and an honest weight."),
    ), _SPORT),
    Category("Audio", (
        ProductKind("HEADPHONES", "Headphones", 3990, 34900, "Thirty hours from one charge."),
        ProductKind("SPEAKER", "Wireless Speaker", 4990, 39900, "Fills a room and pairs in seconds."),
        ProductKind("EARBUDS", "Earbuds", 2490, 19900, "Three sizes of tips, one of which will fit."),
        ProductKind("RADIO", "Kitchen Radio", 3490, 17900, "Remembers six stations."),
        ProductKind("TURNTABLE", "Turntable", 9900, 59900, "Two speeds and a heavy platter."),
        ProductKind("SOUNDBAR", "Soundbar", 8900, 49900, "Makes dialogue easy to follow."),
        ProductKind("MICROPHONE", "Microphone", 4490, 24900, "Plugs in and sounds like you."),
        ProductKind("ALARM", "Alarm Clock", 1490, 7900, "Wakes you once, and gently."),
    ), _SPORT),
    Category("Stationery", (
        ProductKind("NOTEBOOK", "Notebook", 590, 2990, "Paper that takes ink without bleeding."),
        ProductKind("PEN", "Fountain Pen", 1490, 14900, "Writes at once after a week in a drawer."),
        ProductKind("PENCILCASE", "Pencil Case", 790, 3490, "Stands open on a desk."),
        ProductKind("PLANNER", "Weekly Planner", 990, 3990, "One week on two pages, and room for notes."),
        ProductKind("CARDS", "Greeting Card Set", 690, 2490, "Twelve cards, twelve envelopes."),
        ProductKind("FOLIO", "Leather Folio", 2990, 14900, "Carries a pad and the papers that matter."),
        ProductKind("INK", "Ink Bottle", 790, 3490, "Thirty millilitres, dry in five seconds."),
        ProductKind("SKETCHBOOK", "Sketchbook", 990, 4490, "Heavy pages that lie flat."),
    ), _FABRIC),
)  # fmt: skip
