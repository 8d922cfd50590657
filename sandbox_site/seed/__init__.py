"""The shop's goods, people and offers, made by code so that every sandbox is the same."""
