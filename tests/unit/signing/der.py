"""Encrypted PKCS#8 keys that were never encrypted: only their parameters matter."""

import base64

# Object identifiers of RFC 8018 (PBES2, PBKDF2, HMAC-SHA-256) and RFC 7914 (scrypt), and AES-256-CBC, in DER.
PBES2 = bytes.fromhex("06092a864886f70d01050d")
PBKDF2 = bytes.fromhex("06092a864886f70d01050c")
HMAC_SHA256 = bytes.fromhex("300c06082a864886f70d02090500")
SCRYPT = bytes.fromhex("06092b06010401da47040b")
AES256 = bytes.fromhex("060960864801650304012a")


def element(tag: int, *content: bytes) -> bytes:
    body = b"".join(content)
    size = len(body)
    length = bytes([size]) if size < 128 else bytes([0x82]) + size.to_bytes(2)
    return bytes([tag]) + length + body


def integer(value: int) -> bytes:
    return element(2, value.to_bytes(value.bit_length() // 8 + 1, signed=True))


def pbkdf2(iterations: int) -> bytes:
    return element(0x30, PBKDF2, element(0x30, element(4, b"saltsalt"), integer(iterations), HMAC_SHA256))


def scrypt(n: int, r: int, p: int) -> bytes:
    return element(0x30, SCRYPT, element(0x30, element(4, b"saltsalt"), integer(n), integer(r), integer(p)))


def encrypted_pkcs8(kdf: bytes) -> bytes:
    cipher = element(0x30, AES256, element(4, bytes(16)))
    return element(0x30, element(0x30, PBES2, element(0x30, kdf, cipher)), element(4, bytes(160)))


def pem(label: str, der: bytes) -> bytes:
    return f"-----BEGIN {label}-----\n{base64.encodebytes(der).decode()}-----END {label}-----\n".encode()
