"""Request and response bodies of the public API. Unknown fields are refused; money is minor units."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from unicodedata import normalize

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from shared.domain.ids import SKU
from shared.domain.money import SHOP_CURRENCY, Money
from shared.domain.notification import NotificationKind, NotificationStatus
from shared.domain.order import MAX_LINES, MAX_QUANTITY, OrderStatus, PricedLine
from shared.domain.payment import PaymentStatus, RefundStatus

MAX_BODY_BYTES = 64 * 1024
MAX_PAGE = 100
DEFAULT_PAGE = 20
MAX_AMOUNT = 10**12
MAX_PRICE = MAX_AMOUNT // (MAX_LINES * MAX_QUANTITY)  # so that the total of any order is an amount

Sku = Annotated[str, Field(pattern=f"^{SKU}$")]


def composed(text: Any) -> Any:
    """Return text in Unicode's form NFC: an accent is one letter, whichever way it was typed. Else the value itself."""
    return normalize("NFC", text) if isinstance(text, str) else text


class Body(BaseModel):
    """A body of the contract: no unknown field, no silent conversion from text to number."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class ResponseBody(BaseModel):
    """What we answer ourselves: built from our own values, so nothing is checked twice."""

    model_config = ConfigDict(frozen=True)


class MoneyBody(Body):
    """`amount` in minor units (cents)."""

    amount: Annotated[int, Field(ge=0, le=MAX_AMOUNT)]
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = SHOP_CURRENCY

    @classmethod
    def of(cls, money: Money) -> MoneyBody:
        """Return the body of a domain value."""
        return cls(amount=money.amount, currency=money.currency)

    def to_money(self) -> Money:
        """Return the domain value of this body."""
        return Money(self.amount, self.currency)


# --- requests ---------------------------------------------------------------------------------------------


class LineInput(Body):
    """One line of POST /orders."""

    sku: Sku
    quantity: Annotated[int, Field(ge=1, le=MAX_QUANTITY)]


class OrderInput(Body):
    """POST /orders. Prices are the catalog's; `expected_total` only says what the customer was shown."""

    lines: Annotated[list[LineInput], Field(min_length=1, max_length=MAX_LINES)]
    payment_method: Annotated[str, Field(pattern=r"^pm_[a-z0-9_]{1,40}$")]
    expected_total: MoneyBody | None = None

    @field_validator("lines")
    @classmethod
    def _each_sku_once(cls, lines: list[LineInput]) -> list[LineInput]:
        if len({line.sku for line in lines}) != len(lines):
            raise ValueError("the same sku stands in two lines; add the quantities up")
        return lines


class ProductInput(Body):
    """PUT /products/{sku}. A new product starts without stock: restock it."""

    name: Annotated[str, Field(min_length=1, max_length=200), BeforeValidator(composed)]
    description: Annotated[str, Field(max_length=5000), BeforeValidator(composed)]
    category: Annotated[str, Field(min_length=1, max_length=64), BeforeValidator(composed)]
    price: MoneyBody

    @field_validator("name", "description", "category")
    @classmethod
    def _storable(cls, text: str) -> str:
        if "\x00" in text:
            raise ValueError("a NUL character cannot be stored")
        return text

    @field_validator("price")
    @classmethod
    def _sellable(cls, price: MoneyBody) -> MoneyBody:
        if price.currency != SHOP_CURRENCY:
            raise ValueError(f"this shop sells in {SHOP_CURRENCY}")
        if price.amount > MAX_PRICE:
            raise ValueError(f"the highest price is {MAX_PRICE} minor units")
        return price

    def columns(self, sku: str) -> dict[str, Any]:
        """Return the product as a row's values."""
        price = {"price": self.price.amount, "currency": self.price.currency}
        return {"sku": sku, "name": self.name, "description": self.description, "category": self.category, **price}


class RestockInput(Body):
    """POST /products/{sku}/restock."""

    quantity: Annotated[int, Field(ge=1, le=1_000_000)]


class RefundInput(Body):
    """POST /payments/{id}/refunds."""

    amount: MoneyBody


class WebhookInput(BaseModel):
    """POST /webhooks/payments, as the provider sends it. Fields that we do not know are the provider's affair."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    id: Annotated[str, Field(min_length=1, max_length=128)]
    type: Annotated[str, Field(min_length=1, max_length=64)]
    merchant: str
    charge_key: Annotated[str, Field(min_length=1, max_length=128)]
    refund_key: Annotated[str, Field(pattern=r"^[A-Za-z0-9._:-]{1,128}$")] | None = None
    amount: Annotated[int, Field(ge=0, le=MAX_AMOUNT)]
    currency: str
    occurred_at: str

    def mismatch(self, order_id: str, money: Money) -> str | None:
        """Return the first field that differs from what the shop's own books say of this payment or refund, or None.

        A signature proves who sent a webhook, not that it is about the right thing: what differs is not acted on.
        """
        if self.charge_key != order_id:
            return "charge_key"
        if self.amount != money.amount:
            return "amount"
        return "currency" if self.currency != money.currency else None


# --- answers ----------------------------------------------------------------------------------------------


class Product(ResponseBody):
    """A product with what can be bought of it now."""

    sku: str
    name: str
    description: str
    category: str
    price: MoneyBody
    available: int


def product_fields(row: Sequence[Any]) -> dict[str, Any]:
    """Return a Product, not yet validated, of (sku, name, description, category, price, currency, available).

    By position: looking up seven names costs more than all the rest of this.
    """
    sku, name, description, category, price, currency, available = row
    return {
        "sku": sku,
        "name": name,
        "description": description,
        "category": category,
        "price": {"amount": price, "currency": currency},
        "available": available,
    }


class ProductPage(ResponseBody):
    """A keyset page; `next_cursor` is null on the last one."""

    items: list[Product]
    next_cursor: str | None


class Category(ResponseBody):
    """A category and how many products it has."""

    name: str
    product_count: int


class CategoryList(ResponseBody):
    """All categories, by name."""

    items: list[Category]


class OrderLine(ResponseBody):
    """One line of an order, with the price of the time it was placed."""

    sku: str
    name: str
    quantity: int
    unit_price: MoneyBody
    line_total: MoneyBody

    @classmethod
    def of(cls, line: PricedLine) -> OrderLine:
        """Return the body of a domain line."""
        return cls(
            sku=line.sku,
            name=line.name,
            quantity=line.quantity,
            unit_price=MoneyBody.of(line.unit_price),
            line_total=MoneyBody.of(line.line_total),
        )


class Order(ResponseBody):
    """An order as its owner sees it. `total` is null and `lines` empty if it was rejected before it was priced."""

    id: str
    status: OrderStatus
    lines: list[OrderLine]
    total: MoneyBody | None
    payment_id: str
    reason: str | None
    created_at: datetime
    updated_at: datetime


class OrderPage(ResponseBody):
    """A keyset page of one's own orders, newest first."""

    items: list[Order]
    next_cursor: str | None


class Payment(ResponseBody):
    """A payment; `refunded` is what went back so far."""

    id: str
    order_id: str
    status: PaymentStatus
    amount: MoneyBody
    refunded: MoneyBody
    created_at: datetime

    @classmethod
    def of_row(cls, row: Any) -> Payment:
        """Return the body of a row with these names, and a `currency`."""
        return cls(
            id=row.id,
            order_id=row.order_id,
            status=PaymentStatus(row.status),
            amount=MoneyBody(amount=row.amount, currency=row.currency),
            refunded=MoneyBody(amount=int(row.refunded), currency=row.currency),
            created_at=row.created_at,
        )


class Refund(ResponseBody):
    """A refund that the provider has confirmed."""

    id: str
    payment_id: str
    status: RefundStatus
    amount: MoneyBody


class Notification(ResponseBody):
    """A message that was, or is about to be, mailed to the caller."""

    id: str
    order_id: str
    kind: NotificationKind
    subject: str
    status: NotificationStatus
    created_at: datetime
    sent_at: datetime | None


class NotificationPage(ResponseBody):
    """A keyset page of one's own messages, newest first."""

    items: list[Notification]
    next_cursor: str | None


class WebhookAnswer(ResponseBody):
    """The provider only looks at the status code."""

    status: Literal["accepted"] = "accepted"
