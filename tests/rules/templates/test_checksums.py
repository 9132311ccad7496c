"""Check values: those that the catalogue and the standards name."""

from __future__ import annotations

import binascii
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sockreply.rules.templates.checksums import CRCS, Crc, byte_sum, lrc, xor

# What the catalogue says that each makes of b"123456789".
CHECKS = {
    "crc8_autosar": 0xDF,
    "crc8_bluetooth": 0x26,
    "crc8_cdma2000": 0xDA,
    "crc8_darc": 0x15,
    "crc8_dvb_s2": 0xBC,
    "crc8_gsm_a": 0x37,
    "crc8_gsm_b": 0x94,
    "crc8_hitag": 0xB4,
    "crc8_i_432_1": 0xA1,
    "crc8_i_code": 0x7E,
    "crc8_lte": 0xEA,
    "crc8_maxim_dow": 0xA1,
    "crc8_mifare_mad": 0x99,
    "crc8_nrsc_5": 0xF7,
    "crc8_opensafety": 0x3E,
    "crc8_rohc": 0xD0,
    "crc8_sae_j1850": 0x4B,
    "crc8_smbus": 0xF4,
    "crc8_tech_3250": 0x97,
    "crc8_wcdma": 0x25,
    "crc16_arc": 0xBB3D,
    "crc16_cdma2000": 0x4C06,
    "crc16_cms": 0xAEE7,
    "crc16_dds_110": 0x9ECF,
    "crc16_dect_r": 0x007E,
    "crc16_dect_x": 0x007F,
    "crc16_dnp": 0xEA82,
    "crc16_en_13757": 0xC2B7,
    "crc16_genibus": 0xD64E,
    "crc16_gsm": 0xCE3C,
    "crc16_ibm_3740": 0x29B1,
    "crc16_ibm_sdlc": 0x906E,
    "crc16_iso_iec_14443_3_a": 0xBF05,
    "crc16_kermit": 0x2189,
    "crc16_lj1200": 0xBDF4,
    "crc16_m17": 0x772B,
    "crc16_maxim_dow": 0x44C2,
    "crc16_mcrf4xx": 0x6F91,
    "crc16_modbus": 0x4B37,
    "crc16_nrsc_5": 0xA066,
    "crc16_opensafety_a": 0x5D38,
    "crc16_opensafety_b": 0x20FE,
    "crc16_profibus": 0xA819,
    "crc16_riello": 0x63D0,
    "crc16_spi_fujitsu": 0xE5CC,
    "crc16_t10_dif": 0xD0DB,
    "crc16_teledisk": 0x0FB3,
    "crc16_tms37157": 0x26B1,
    "crc16_umts": 0xFEE8,
    "crc16_usb": 0xB4C8,
    "crc16_xmodem": 0x31C3,
    "crc32_aixm": 0x3010BF7F,
    "crc32_autosar": 0x1697D06A,
    "crc32_base91_d": 0x87315576,
    "crc32_bzip2": 0xFC891918,
    "crc32_cd_rom_edc": 0x6EC2EDC4,
    "crc32_cksum": 0x765E7680,
    "crc32_iscsi": 0xE3069283,
    "crc32_iso_hdlc": 0xCBF43926,
    "crc32_jamcrc": 0x340BC6D9,
    "crc32_mef": 0xD2C22F51,
    "crc32_mpeg_2": 0x0376E6E7,
    "crc32_xfer": 0xBD0BE338,
    # aliases
    "crc8": 0xF4,
    "crc16_aug_ccitt": 0xE5CC,
    "crc16_buypass": 0xFEE8,
    "crc16_ccitt_false": 0x29B1,
    "crc16_x_25": 0x906E,
    "crc32": 0xCBF43926,
    "crc32_posix": 0x765E7680,
    "crc32c": 0xE3069283,
}


def test_all_are_checked() -> None:
    """No variant is without its check value."""
    assert CRCS.keys() == CHECKS.keys()


@pytest.mark.parametrize("name", CRCS)
def test_crc(name: str) -> None:
    """Each makes of the nine digits what the catalogue says."""
    assert CRCS[name](b"123456789") == CHECKS[name]


@given(st.binary(max_size=300))
def test_crc_of_anything(data: bytes) -> None:
    """Both directions agree with the standard library, whatever the bytes."""
    assert CRCS["crc32"](data) == zlib.crc32(data)
    assert CRCS["crc16_xmodem"](data) == binascii.crc_hqx(data, 0)


def test_crc_of_nothing() -> None:
    """No bytes leave the register as it begins, turned round where the others are."""
    assert CRCS["crc16_modbus"](b"") == 0xFFFF
    assert CRCS["crc16_iso_iec_14443_3_a"](b"") == 0x6363
    assert CRCS["crc16_ibm_3740"](b"") == 0xFFFF


def test_any_parameters() -> None:
    """A CRC that is not in the table is made of its parameters: here CRC-24/OPENPGP."""
    openpgp = Crc(24, 0x864CFB, 0xB704CE, False, 0)
    assert openpgp(b"123456789") == 0x21CF02


def test_modbus_request() -> None:
    """A request to read ten registers of device 1 ends in C5 CD, the low byte first."""
    assert CRCS["crc16_modbus"](bytes.fromhex("01 03 00 00 00 0A")) == 0xCDC5


@pytest.mark.parametrize(
    ("data", "check"), [(b"", 0), (b"\x01\x03\x00\x00\x00\x0a", 0xF2), (b"\xff\x01", 0)]
)
def test_lrc(data: bytes, check: int) -> None:
    """The bytes and their LRC add up to 0."""
    assert lrc(data) == check
    assert (sum(data) + check) & 0xFF == 0


@pytest.mark.parametrize(("data", "check"), [(b"", 0), (b"\x41", 0x41), (b"\x41\x42\x03", 0)])
def test_xor(data: bytes, check: int) -> None:
    """All bytes are xored."""
    assert xor(data) == check


@pytest.mark.parametrize(
    ("bits", "check"), [(8, 0xFD), (16, 0x02FD), (1, 1), (9, 0xFD), (64, 0x02FD)]
)
def test_sum(bits: int, check: int) -> None:
    """Of the sum as many bits remain as are asked for."""
    assert byte_sum(b"\xff\xff\xff", bits) == check


def test_sum_has_eight_bits() -> None:
    """Unless told otherwise, a sum is one byte."""
    assert byte_sum(b"\xff\x02") == 1


@pytest.mark.parametrize("bits", [0, -8, 65])
def test_sum_of_impossible_bits(bits: int) -> None:
    """A sum of no bits, or of more than any device has, is an error."""
    with pytest.raises(ValueError, match=f"a sum has 1 to 64 bits, not {bits}"):
        byte_sum(b"", bits)
