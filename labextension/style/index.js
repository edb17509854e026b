import '../../aim_jupyter/panel/static/picker.css';
import './base.css';
