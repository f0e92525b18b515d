"""How many products each category has is kept, and no longer counted for each answer."""

from shared.platform.migrations.categories import count_by_category

revision = "0008"
down_revision = "0007"

upgrade = count_by_category
