/** Stands for styles and pictures: an empty one would be taken for a defect. */
export default '<svg xmlns="http://www.w3.org/2000/svg"></svg>';
