"""The check values that messages of devices end with: CRCs, and sums of bytes.

The CRCs, their names and their parameters are those of the "Catalogue of parametrised CRC
algorithms" (https://reveng.sourceforge.io/crc-catalogue/); only variants are here whose input and
output are reflected alike, which all of its 8, 16 and 32 bits are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import xor as _xor


def _reflect(value: int, width: int) -> int:
    """The lowest `width` bits in the opposite order."""
    return int(f"{value:0{width}b}"[::-1], 2)


@dataclass(frozen=True)
class Crc:
    """A cyclic redundancy check, by the catalogue's parameters.

    Args:
        width: The bits of the result, 8 or more.
        poly: The polynomial without its highest term.
        init: What the register begins with.
        reflected: Is the lowest bit of each byte the first, and the result turned round likewise?
        xorout: What the result is xored with.
    """

    width: int
    poly: int
    init: int
    reflected: bool
    xorout: int

    @cached_property
    def _table(self) -> list[int]:
        """What each byte adds to the register."""
        return [self._shifted(octet) for octet in range(256)]

    def _shifted(self, octet: int) -> int:
        """What is left of a byte after its eight steps through the register."""
        top = 1 << self.width - 1
        register = (_reflect(octet, 8) if self.reflected else octet) << self.width - 8
        for _ in range(8):
            register = register << 1 ^ self.poly if register & top else register << 1
        register &= (top << 1) - 1
        return _reflect(register, self.width) if self.reflected else register

    def __call__(self, data: bytes) -> int:
        """The check value of the bytes."""
        table = self._table
        if self.reflected:
            register = _reflect(self.init, self.width)
            for octet in data:
                register = register >> 8 ^ table[(register ^ octet) & 0xFF]
        else:
            register, shift, mask = self.init, self.width - 8, (1 << self.width) - 1
            for octet in data:
                register = (register << 8 ^ table[register >> shift ^ octet]) & mask
        return register ^ self.xorout


def lrc(data: bytes) -> int:
    """What makes the sum of all bytes 0 (ISO 1155, Modbus ASCII): the sum's two's complement."""
    return -sum(data) & 0xFF


def xor(data: bytes) -> int:
    """All bytes xored, the block check character of many serial protocols."""
    return reduce(_xor, data, 0)


def byte_sum(data: bytes, bits: int = 8) -> int:
    """All bytes added, as many of the lowest bits as are asked for.

    Raises:
        ValueError: Less than one bit, or more than 64.
    """
    if not 1 <= bits <= 64:
        raise ValueError(f"a sum has 1 to 64 bits, not {bits}")
    return sum(data) & (1 << bits) - 1


_CATALOGUE = {
    "crc8_smbus": Crc(8, 0x07, 0x00, False, 0x00),
    "crc8_maxim_dow": Crc(8, 0x31, 0x00, True, 0x00),
    "crc8_sae_j1850": Crc(8, 0x1D, 0xFF, False, 0xFF),
    "crc8_autosar": Crc(8, 0x2F, 0xFF, False, 0xFF),
    "crc8_bluetooth": Crc(8, 0xA7, 0x00, True, 0x00),
    "crc8_cdma2000": Crc(8, 0x9B, 0xFF, False, 0x00),
    "crc8_darc": Crc(8, 0x39, 0x00, True, 0x00),
    "crc8_dvb_s2": Crc(8, 0xD5, 0x00, False, 0x00),
    "crc8_gsm_a": Crc(8, 0x1D, 0x00, False, 0x00),
    "crc8_gsm_b": Crc(8, 0x49, 0x00, False, 0xFF),
    "crc8_hitag": Crc(8, 0x1D, 0xFF, False, 0x00),
    "crc8_i_432_1": Crc(8, 0x07, 0x00, False, 0x55),
    "crc8_i_code": Crc(8, 0x1D, 0xFD, False, 0x00),
    "crc8_lte": Crc(8, 0x9B, 0x00, False, 0x00),
    "crc8_mifare_mad": Crc(8, 0x1D, 0xC7, False, 0x00),
    "crc8_nrsc_5": Crc(8, 0x31, 0xFF, False, 0x00),
    "crc8_opensafety": Crc(8, 0x2F, 0x00, False, 0x00),
    "crc8_rohc": Crc(8, 0x07, 0xFF, True, 0x00),
    "crc8_tech_3250": Crc(8, 0x1D, 0xFF, True, 0x00),
    "crc8_wcdma": Crc(8, 0x9B, 0x00, True, 0x00),
    "crc16_arc": Crc(16, 0x8005, 0x0000, True, 0x0000),
    "crc16_cdma2000": Crc(16, 0xC867, 0xFFFF, False, 0x0000),
    "crc16_cms": Crc(16, 0x8005, 0xFFFF, False, 0x0000),
    "crc16_dds_110": Crc(16, 0x8005, 0x800D, False, 0x0000),
    "crc16_dect_r": Crc(16, 0x0589, 0x0000, False, 0x0001),
    "crc16_dect_x": Crc(16, 0x0589, 0x0000, False, 0x0000),
    "crc16_dnp": Crc(16, 0x3D65, 0x0000, True, 0xFFFF),
    "crc16_en_13757": Crc(16, 0x3D65, 0x0000, False, 0xFFFF),
    "crc16_genibus": Crc(16, 0x1021, 0xFFFF, False, 0xFFFF),
    "crc16_gsm": Crc(16, 0x1021, 0x0000, False, 0xFFFF),
    "crc16_ibm_3740": Crc(16, 0x1021, 0xFFFF, False, 0x0000),
    "crc16_ibm_sdlc": Crc(16, 0x1021, 0xFFFF, True, 0xFFFF),
    "crc16_iso_iec_14443_3_a": Crc(16, 0x1021, 0xC6C6, True, 0x0000),
    "crc16_kermit": Crc(16, 0x1021, 0x0000, True, 0x0000),
    "crc16_lj1200": Crc(16, 0x6F63, 0x0000, False, 0x0000),
    "crc16_m17": Crc(16, 0x5935, 0xFFFF, False, 0x0000),
    "crc16_maxim_dow": Crc(16, 0x8005, 0x0000, True, 0xFFFF),
    "crc16_mcrf4xx": Crc(16, 0x1021, 0xFFFF, True, 0x0000),
    "crc16_modbus": Crc(16, 0x8005, 0xFFFF, True, 0x0000),
    "crc16_nrsc_5": Crc(16, 0x080B, 0xFFFF, True, 0x0000),
    "crc16_opensafety_a": Crc(16, 0x5935, 0x0000, False, 0x0000),
    "crc16_opensafety_b": Crc(16, 0x755B, 0x0000, False, 0x0000),
    "crc16_profibus": Crc(16, 0x1DCF, 0xFFFF, False, 0xFFFF),
    "crc16_riello": Crc(16, 0x1021, 0xB2AA, True, 0x0000),
    "crc16_spi_fujitsu": Crc(16, 0x1021, 0x1D0F, False, 0x0000),
    "crc16_t10_dif": Crc(16, 0x8BB7, 0x0000, False, 0x0000),
    "crc16_teledisk": Crc(16, 0xA097, 0x0000, False, 0x0000),
    "crc16_tms37157": Crc(16, 0x1021, 0x89EC, True, 0x0000),
    "crc16_umts": Crc(16, 0x8005, 0x0000, False, 0x0000),
    "crc16_usb": Crc(16, 0x8005, 0xFFFF, True, 0xFFFF),
    "crc16_xmodem": Crc(16, 0x1021, 0x0000, False, 0x0000),
    "crc32_aixm": Crc(32, 0x814141AB, 0x00000000, False, 0x00000000),
    "crc32_autosar": Crc(32, 0xF4ACFB13, 0xFFFFFFFF, True, 0xFFFFFFFF),
    "crc32_base91_d": Crc(32, 0xA833982B, 0xFFFFFFFF, True, 0xFFFFFFFF),
    "crc32_bzip2": Crc(32, 0x04C11DB7, 0xFFFFFFFF, False, 0xFFFFFFFF),
    "crc32_cd_rom_edc": Crc(32, 0x8001801B, 0x00000000, True, 0x00000000),
    "crc32_cksum": Crc(32, 0x04C11DB7, 0x00000000, False, 0xFFFFFFFF),
    "crc32_iscsi": Crc(32, 0x1EDC6F41, 0xFFFFFFFF, True, 0xFFFFFFFF),
    "crc32_iso_hdlc": Crc(32, 0x04C11DB7, 0xFFFFFFFF, True, 0xFFFFFFFF),
    "crc32_jamcrc": Crc(32, 0x04C11DB7, 0xFFFFFFFF, True, 0x00000000),
    "crc32_mef": Crc(32, 0x741B8CD7, 0xFFFFFFFF, True, 0x00000000),
    "crc32_mpeg_2": Crc(32, 0x04C11DB7, 0xFFFFFFFF, False, 0x00000000),
    "crc32_xfer": Crc(32, 0x000000AF, 0x00000000, False, 0x00000000),
}

_ALIASES = {
    "crc8": "crc8_smbus",
    "crc16_aug_ccitt": "crc16_spi_fujitsu",
    "crc16_buypass": "crc16_umts",
    "crc16_ccitt_false": "crc16_ibm_3740",
    "crc16_x_25": "crc16_ibm_sdlc",
    "crc32": "crc32_iso_hdlc",
    "crc32_posix": "crc32_cksum",
    "crc32c": "crc32_iscsi",
}

CRCS: Mapping[str, Crc] = _CATALOGUE | {new: _CATALOGUE[old] for new, old in _ALIASES.items()}
"""By the catalogue's name in small letters and with `_` (`crc16_modbus`), and by some shorter or
better known ones."""
