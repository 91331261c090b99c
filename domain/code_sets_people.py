"""The closed lists about a natural person: 性别, 民族, 政治面貌, 学历.

National standards number all four; their numbers are the codes.
"""

from __future__ import annotations

from domain.code_sets import CodeList


class Gender(CodeList, title="性别", source="GB/T 2261.1-2003"):
    """Sex (性别). The standard's 0 and 9 (未知, 未说明) are what a person's record may not say."""

    MALE = "1", "男", *("男性",)
    FEMALE = "2", "女", *("女性",)


class Politics(CodeList, title="政治面貌", source="GB/T 4762-1984"):
    """Political affiliation (政治面貌)."""

    PARTY_MEMBER = "01", "中共党员", *("党员", "中国共产党党员", "中共正式党员", "共产党员")
    PROBATIONARY = "02", "中共预备党员", *("预备党员", "中国共产党预备党员")
    YOUTH_LEAGUE = "03", "共青团员", *("团员", "中国共产主义青年团团员")
    REVOLUTIONARY_COMMITTEE = "04", "民革党员", *("民革会员", "民革", "民革成员")
    DEMOCRATIC_LEAGUE = "05", "民盟盟员", *("民盟", "民盟成员")
    NATIONAL_CONSTRUCTION = "06", "民建会员", *("民建", "民建成员")
    PROMOTING_DEMOCRACY = "07", "民进会员", *("民进", "民进成员")
    PEASANTS_WORKERS = "08", "农工党党员", *("农工党", "农工民主党党员", "农工党成员")
    ZHI_GONG = "09", "致公党党员", *("致公党", "致公党成员")
    JIU_SAN = "10", "九三学社社员", *("九三学社", "九三社员", "九三")
    TAIWAN_LEAGUE = "11", "台盟盟员", *("台盟", "台盟成员")
    NO_PARTY = "12", "无党派人士", *("无党派", "无党派民主人士")
    MASSES = "13", "群众", *("普通群众", "普通公民")


class Education(CodeList, title="学历", source="GB/T 4658-2006"):
    """Highest completed schooling (学历). Party-school (党校) diplomas are not among them."""

    POSTGRADUATE = "10", "研究生", *("研究生学历", "研究生教育", "在职研究生")
    DOCTOR = "11", "博士研究生", *("博士", "博士研究生毕业")
    MASTER = "14", "硕士研究生", *("硕士", "硕士研究生毕业")
    POSTGRADUATE_CLASS = "17", "研究生班", *("研究生班毕业",)
    BACHELOR = (
        "21",
        "本科",
        *("大学本科", "大学", "大学本科毕业", "本科毕业", "大本", "大学毕业", "全日制本科"),
        *("在职大学", "在职本科", "函授本科", "成人本科"),
    )
    REGULAR_CLASS = "28", "大学普通班", *("大普", "大学普通班毕业")
    COLLEGE = (
        "31",
        "大专",
        *("大学专科", "专科", "大学专科毕业", "大专毕业", "高职", "高职高专", "专科毕业"),
        *("在职大专", "函授大专", "成人大专"),
    )
    SECONDARY_SPECIAL = "41", "中专", *("中等专科", "中等专科毕业", "中专毕业", "中师", "中技")
    VOCATIONAL_HIGH = "44", "职业高中", *("职高", "职业高中毕业")
    TECHNICAL = "47", "技工学校", *("技校", "技工", "技工学校毕业")
    HIGH_SCHOOL = "61", "高中", *("普通高中", "高中毕业", "普通高中毕业")
    JUNIOR_HIGH = "71", "初中", *("初级中学", "初中毕业")
    PRIMARY = "81", "小学", *("小学毕业",)
    OTHER = "90", "其他", *("其它",)


class Ethnicity(CodeList, title="民族", source="GB/T 3304-1991"):
    """The 56 ethnic groups (民族); written in full, the bare name without 族 is understood."""

    HAN = "01", "汉族", "汉"
    MONGOL = "02", "蒙古族", "蒙古", "蒙族", "蒙"
    HUI = "03", "回族", "回"
    ZANG = "04", "藏族", "藏"
    UYGUR = "05", "维吾尔族", "维吾尔", "维族", "维"
    MIAO = "06", "苗族", "苗"
    YI = "07", "彝族", "彝"
    ZHUANG = "08", "壮族", "壮"
    BUYEI = "09", "布依族", "布依"
    CHOSEN = "10", "朝鲜族", "朝鲜"
    MAN = "11", "满族", "满"
    DONG = "12", "侗族", "侗"
    YAO = "13", "瑶族", "瑶"
    BAI = "14", "白族", "白"
    TUJIA = "15", "土家族", "土家"
    HANI = "16", "哈尼族", "哈尼"
    KAZAK = "17", "哈萨克族", "哈萨克"
    DAI = "18", "傣族", "傣"
    LI = "19", "黎族", "黎"
    LISU = "20", "傈僳族", "傈僳"
    VA = "21", "佤族", "佤"
    SHE = "22", "畲族", "畲", "畬族"
    GAOSHAN = "23", "高山族", "高山"
    LAHU = "24", "拉祜族", "拉祜"
    SUI = "25", "水族", "水"
    DONGXIANG = "26", "东乡族", "东乡"
    NAXI = "27", "纳西族", "纳西"
    JINGPO = "28", "景颇族", "景颇"
    KIRGIZ = "29", "柯尔克孜族", "柯尔克孜"
    TU = "30", "土族", "土"
    DAUR = "31", "达斡尔族", "达斡尔"
    MULAO = "32", "仫佬族", "仫佬"
    QIANG = "33", "羌族", "羌"
    BLANG = "34", "布朗族", "布朗"
    SALAR = "35", "撒拉族", "撒拉"
    MAONAN = "36", "毛南族", "毛南"
    GELAO = "37", "仡佬族", "仡佬"
    XIBE = "38", "锡伯族", "锡伯"
    ACHANG = "39", "阿昌族", "阿昌"
    PUMI = "40", "普米族", "普米"
    TAJIK = "41", "塔吉克族", "塔吉克"
    NU = "42", "怒族", "怒"
    UZBEK = "43", "乌孜别克族", "乌孜别克"
    RUSS = "44", "俄罗斯族", "俄罗斯"
    EWENKI = "45", "鄂温克族", "鄂温克"
    DEANG = "46", "德昂族", "德昂"
    BONAN = "47", "保安族", "保安"
    YUGUR = "48", "裕固族", "裕固"
    GIN = "49", "京族", "京"
    TATAR = "50", "塔塔尔族", "塔塔尔"
    DERUNG = "51", "独龙族", "独龙"
    OROQEN = "52", "鄂伦春族", "鄂伦春"
    HEZHEN = "53", "赫哲族", "赫哲"
    MONBA = "54", "门巴族", "门巴"
    LHOBA = "55", "珞巴族", "珞巴"
    JINO = "56", "基诺族", "基诺"
