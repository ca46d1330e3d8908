"""Texts that are said in English where nobody knows the reader (by a payment provider, by a rule), and translated where
they are shown."""

from gatepass.languages import later

REASONS = (
    later("The bank says there is not enough money on the card."),
    later("The card has expired."),
    later("The security code of the card was not right."),
    later("The card number was not right."),
    later("The bank could not be reached. Please try again."),
    later("The bank wanted a confirmation that was not given."),
    later("The bank's confirmation was not given."),
    later("The bank declined the payment without naming a reason."),
)

REFUSALS = (
    later("This link has ended. Ask the organizer for a new one."),
    later("This link is not complete. Open it again from your mail."),
    later("This link belongs to no order that we know."),
    later("This link belongs to no payment that we know."),
    later("This link belongs to no ticket that we know."),
    later("This form came from another site. Open the page of your order."),
    later("There is no event at this address."),
    later("This payment link belongs to no order that we know."),
    later("This payment link was changed on its way. Open the link in your mail or on the order page."),
    later("This payment link would send you to an address that the organizer has not listed."),
    later("The address of this payment link is not complete. Open it again from where you got it."),
    later("The payment provider does not answer."),
    later("This order changed while the payment page was being opened. Please look at it again."),
    later("This order is paid already. Nothing more will be charged."),
    later("This order was cancelled. Nothing was charged by opening this page."),
    later("The seats of this order were held for a while and are free again. Nothing was charged."),
    later("Your payment is on its way; the bank has yet to confirm it. Please do not pay again."),
    later("A payment for this order is being checked by the organizer. Please do not pay again."),
    later("There is nothing at this address. Check it for typing mistakes."),
    later("Something went wrong on our side. Nothing was lost; please try again."),
)
