"""The claims, in the order in which they are tried: one file for each row of the demo."""

from . import a_service  # noqa: F401
from . import b_wire  # noqa: F401
from . import c_identity  # noqa: F401
from . import d_outside  # noqa: F401
from . import e_plaintext  # noqa: F401
from . import f_crash  # noqa: F401
from . import g_manners  # noqa: F401
from . import h_churn  # noqa: F401
from . import i_gone  # noqa: F401
from . import j_house  # noqa: F401
from . import k_policy  # noqa: F401
from . import s_flows  # noqa: F401
from . import l_rotation  # noqa: F401
from . import m_authority  # noqa: F401
from . import n_explain  # noqa: F401
from . import w_waypoint  # noqa: F401
from . import x_replicas  # noqa: F401
from . import y_records  # noqa: F401
from . import zg_page  # noqa: F401
from . import ze_protocols  # noqa: F401
from . import zb_protection  # noqa: F401
from . import zc_dialing  # noqa: F401
from . import z_stories  # noqa: F401
from . import za_bypass  # noqa: F401
from . import zd_tokens  # noqa: F401
from . import zh_cli  # noqa: F401
