"""Hosted checkout, settling and refunds by ND8 for Django Oscar shops."""
